//go:build !linux

package netlab

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
)

// Lab cannot be opened on this operating system: network namespaces are a
// facility of Linux. Every function of the package says so with
// ErrNotSupported, and the rest of a program compiles unchanged.
type Lab struct{ cfg Config }

func unsupported() error {
	return fmt.Errorf("netlab: %w (%s): a private shaped link needs Linux; use a real link, or run this in a Linux machine",
		ErrNotSupported, runtime.GOOS)
}

// MaybeRunHolder has nothing to do here.
func MaybeRunHolder() {}

// Check reports ErrNotSupported.
func Check() error { return unsupported() }

// Reexec reports ErrNotSupported.
func Reexec(context.Context, []string) (exitCode int, err error) { return 0, unsupported() }

// Open reports ErrNotSupported, or ErrConfig for a bad configuration.
func Open(_ context.Context, cfg Config) (*Lab, error) {
	if _, err := cfg.validate(); err != nil {
		return nil, err
	}
	return nil, unsupported()
}

// NSPath is empty: there is no namespace.
func (l *Lab) NSPath(Side) string { return "" }

// NSInode is 0: there is no namespace.
func (l *Lab) NSInode(Side) uint64 { return 0 }

// Do reports ErrNotSupported.
func (l *Lab) Do(Side, func() error) error { return unsupported() }

// Dial reports ErrNotSupported.
func (l *Lab) Dial(context.Context, Side, string, string) (net.Conn, error) {
	return nil, unsupported()
}

// Listen reports ErrNotSupported.
func (l *Lab) Listen(context.Context, Side, string, string) (net.Listener, error) {
	return nil, unsupported()
}

// ListenPacket reports ErrNotSupported.
func (l *Lab) ListenPacket(context.Context, Side, string, string) (net.PacketConn, error) {
	return nil, unsupported()
}

// Command returns a command whose Err is ErrNotSupported.
func (l *Lab) Command(ctx context.Context, _ Side, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Err = unsupported()
	return cmd
}

// Start reports ErrNotSupported.
func (l *Lab) Start(*exec.Cmd) error { return unsupported() }

// ShaperCounters reports ErrNotSupported.
func (l *Lab) ShaperCounters(Side) (bytes, packets, drops uint64, err error) {
	return 0, 0, 0, unsupported()
}

// SetPartition reports ErrNotSupported.
func (l *Lab) SetPartition(bool) error { return unsupported() }

// Losses reports ErrNotSupported.
func (l *Lab) Losses(Side) (Losses, error) { return Losses{}, unsupported() }

// Close has nothing to close.
func (l *Lab) Close() error { return nil }

// Leftovers reports ErrNotSupported.
func Leftovers() ([]Leftover, error) { return nil, unsupported() }

// CleanLeftovers reports ErrNotSupported.
func CleanLeftovers(context.Context) ([]Leftover, error) { return nil, unsupported() }

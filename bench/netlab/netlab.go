package netlab

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// Errors that Open and the methods of Lab wrap.
var (
	// ErrNotSupported means: this operating system has no network namespaces.
	ErrNotSupported = errors.New("network namespaces are not supported here")
	// ErrConfig means: the configuration asks for something that cannot be built.
	ErrConfig = errors.New("bad netlab configuration")
	// ErrNoHook means: the program did not call MaybeRunHolder first.
	ErrNoHook = errors.New("MaybeRunHolder was not called first in main (or TestMain)")
	// ErrNeedUserNamespace means: this user may not create network namespaces, but
	// may do so inside a user namespace: start again with Reexec.
	ErrNeedUserNamespace = errors.New("needs a user namespace")
	// ErrNotPermitted means: neither privileges nor a usable user namespace.
	ErrNotPermitted = errors.New("not permitted to create network namespaces")
	// ErrKernelFeature means: the kernel lacks veth or the TBF queueing discipline.
	ErrKernelFeature = errors.New("the kernel lacks a feature")
	// ErrClosed means: the lab was closed.
	ErrClosed = errors.New("the lab is closed")
	// ErrAddress means: not a literal IP address and port.
	ErrAddress = errors.New("bad address for a lab")
)

// Side is one end of the lab's link.
type Side uint8

// The two ends. The node under test listens on NodeSide, the load generator
// connects from ClientSide.
const (
	NodeSide Side = iota
	ClientSide
	sideCount
)

// String is "node" or "client".
func (s Side) String() string {
	switch s {
	case NodeSide:
		return "node"
	case ClientSide:
		return "client"
	}
	return fmt.Sprintf("side(%d)", uint8(s))
}

func (s Side) valid() bool { return s < sideCount }

func (s Side) other() Side { return sideCount - 1 - s }

// MTU of both ends, in bytes: that of ordinary Ethernet.
const MTU = 1500

// Limits of Config.RateBitsPerSec. Below the lowest, one full frame takes more
// than 0.1 s and no queue is short; above the highest, no single core moves
// the bytes and the shaper would never act.
const (
	MinRateBitsPerSec = 100_000
	MaxRateBitsPerSec = 100_000_000_000
)

// maxNameLen keeps the label short enough to read in a process list.
const maxNameLen = 32

// Config describes a lab.
type Config struct {
	// RateBitsPerSec is the layer-2 rate of each direction (frame bytes
	// including the 14-byte header, without FCS and gap), in bits per second.
	RateBitsPerSec uint64
	// Delay is added to every frame in each direction. It needs netem, which not
	// every kernel has: Open then fails with ErrKernelFeature.
	Delay time.Duration
	// LossFraction is the chance of each frame, in each direction, to be lost.
	LossFraction float64
	// Seed decides which frames are lost: the n-th frame of a direction is lost
	// with one seed and not with another.
	Seed uint64
	// Partitionable allows SetPartition on a lab without loss.
	Partitionable bool
	// Name labels the lab's processes, so that leftovers can be told apart:
	// up to 32 letters, digits, '-', '_' and '.'; empty means "lab".
	Name string
}

func (c Config) validate() (Config, error) {
	if c.RateBitsPerSec < MinRateBitsPerSec || c.RateBitsPerSec > MaxRateBitsPerSec {
		return c, fmt.Errorf("netlab: %w: rate %d bits/s is outside %d..%d; choose a rate inside it",
			ErrConfig, c.RateBitsPerSec, uint64(MinRateBitsPerSec), uint64(MaxRateBitsPerSec))
	}
	if err := c.validatePath(); err != nil {
		return c, err
	}
	if c.Name == "" {
		c.Name = "lab"
	}
	if len(c.Name) > maxNameLen {
		return c, fmt.Errorf("netlab: %w: name of %d bytes, at most %d are allowed", ErrConfig, len(c.Name), maxNameLen)
	}
	for _, r := range c.Name {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
		if !ok {
			return c, fmt.Errorf("netlab: %w: name %q holds %q; use letters, digits, '-', '_' and '.'", ErrConfig, c.Name, r)
		}
	}
	return c, nil
}

// Shaper is the token bucket filter put on each end's egress.
type Shaper struct {
	// RateBytesPerSec is the layer-2 rate.
	RateBytesPerSec uint64
	// BurstBytes is the size of the bucket: what may leave at once after the
	// link was idle.
	BurstBytes uint32
	// LimitBytes is the longest the queue may grow before frames are dropped.
	LimitBytes uint32
	// SegmentBytes is the most a socket may hand down at once for the kernel
	// to cut into frames (the interface's gso_max_size).
	SegmentBytes uint32
}

const (
	// burstNS of the rate is how late the kernel may serve the queue before
	// tokens overflow the bucket and rate is lost for good: one tick at 100 Hz,
	// the slowest clock a kernel is built with. Timers are far finer today,
	// but the worker behind them waits its turn on a busy machine, and a link
	// that is measured under load must keep its rate under load.
	burstNS = 10_000_000
	// minBurstBytes is 32 KiB, 13 ms at 20 Mbit/s, for the same reason.
	minBurstBytes = 32 * 1024
	// queueNS of the rate is the longest delay the queue adds: deep enough
	// for one flow to fill the link in spite of scheduling pauses of the
	// machine, shallow enough that overload shows as loss and backlog within
	// a trial and not as seconds of delay.
	queueNS = 50_000_000
	// minLimitBytes lets the largest segment a socket hands down at once
	// (64 KiB, where the interface's own limit is not accepted) always fit.
	minLimitBytes = 64*1024 + minBurstBytes
	// segmentNS of the rate is the most that is handed down at once, between
	// four frames and the kernel's own limit of 64 KiB. A segment as large as
	// the bucket leaves only when the bucket is full, so that any delay loses
	// rate; and senders such as BBR keep three segments under way whatever the
	// rate, which at 64 KiB overflows a queue of 50 ms at 20 Mbit/s.
	segmentNS       = 1_000_000
	minSegmentBytes = 4 * (MTU + ethHeaderBytes)
	maxSegmentBytes = 64 * 1024
	ethHeaderBytes  = 14
)

// ShaperFor returns the token bucket used for a layer-2 rate in bits per
// second: 10 ms of the rate as bucket (at least 32 KiB), 50 ms of the rate as
// queue (at least 96 KiB), 1 ms of the rate as segment (4 frames to 64 KiB).
func ShaperFor(rateBitsPerSec uint64) Shaper {
	rate := rateBitsPerSec / 8
	return Shaper{
		RateBytesPerSec: rate,
		BurstBytes:      atLeast(rate, burstNS, minBurstBytes),
		LimitBytes:      atLeast(rate, queueNS, minLimitBytes),
		SegmentBytes:    min(atLeast(rate, segmentNS, minSegmentBytes), maxSegmentBytes),
	}
}

// atLeast is rate × ns, but not under floor and not over what 32 bits hold.
func atLeast(rateBytesPerSec uint64, ns, floor uint64) uint32 {
	v := uint64(float64(rateBytesPerSec) * float64(ns) / 1e9)
	return uint32(min(max(v, floor), math.MaxUint32))
}

// The addresses come from 198.18.0.0/15, which RFC 2544 (appendix C.2.2) sets
// aside for benchmarks, so that they collide with no real network.
var (
	sideAddr = [sideCount]netip.Addr{
		NodeSide:   netip.AddrFrom4([4]byte{198, 18, 0, 1}),
		ClientSide: netip.AddrFrom4([4]byte{198, 18, 0, 2}),
	}
	sideIface = [sideCount]string{NodeSide: "weir-node", ClientSide: "weir-client"}
)

// Addr is one side's IPv4 address; the zero Addr for a side that is none.
func (l *Lab) Addr(side Side) netip.Addr {
	if !side.valid() {
		return netip.Addr{}
	}
	return sideAddr[side]
}

// NodeAddr is the node side's IPv4 address.
func (l *Lab) NodeAddr() netip.Addr { return l.Addr(NodeSide) }

// ClientAddr is the client side's IPv4 address.
func (l *Lab) ClientAddr() netip.Addr { return l.Addr(ClientSide) }

// IfaceName is the name of one side's interface, inside its namespace; empty
// for a side that is none.
func (l *Lab) IfaceName(side Side) string {
	if !side.valid() {
		return ""
	}
	return sideIface[side]
}

// Shaper is the token bucket filter on each end's egress.
func (l *Lab) Shaper() Shaper { return ShaperFor(l.cfg.RateBitsPerSec) }

// RateBitsPerSec is the layer-2 rate of each direction.
func (l *Lab) RateBitsPerSec() uint64 { return l.cfg.RateBitsPerSec }

// Delay is what the link adds to every frame, in each direction.
func (l *Lab) Delay() time.Duration { return l.cfg.Delay }

// LossFraction is the chance of each frame to be lost.
func (l *Lab) LossFraction() float64 { return l.cfg.LossFraction }

// Leftover is a process of a lab whose owner is gone.
type Leftover struct {
	PID      int    `json:"pid"`
	Role     string `json:"role"` // "holder" or "command"
	Name     string `json:"name"` // Config.Name of its lab
	OwnerPID int    `json:"owner_pid"`
	Command  string `json:"command"`
}

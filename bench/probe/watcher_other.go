//go:build !linux

package probe

import (
	"fmt"
	"runtime"
)

// Watcher watches sockets and frames, on Linux.
type Watcher struct{}

// Watch refuses: only Linux shows one process the sockets of another.
func Watch(cfg WatchConfig) (*Watcher, WatchReport, error) {
	_, err := cfg.check()
	if err == nil {
		err = fmt.Errorf("probe: %w: %s shows no other process's sockets; run on Linux", ErrNotSupported, runtime.GOOS)
	}
	return nil, WatchReport{Parts: []PartReport{}, Warnings: []string{}}, err
}

// Sample refuses.
func (w *Watcher) Sample() (Sample, error) { return Sample{}, ErrNotSupported }

// Close has nothing to do.
func (w *Watcher) Close() error { return nil }

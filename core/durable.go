package core

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// durable is the last block that is on disk, with a way to wait for one.
type durable struct {
	height  atomic.Uint64 // for those who need no more
	mu      sync.Mutex
	header  tx.Header
	hash    tx.Hash
	changed chan struct{} // closed and replaced at every change; nil until somebody waits
	closed  bool
}

func (d *durable) set(h tx.Header, hash tx.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.header, d.hash = h, hash
	d.height.Store(h.Height)
	d.wake()
}

func (d *durable) wake() {
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

func (d *durable) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.wake()
}

func (d *durable) get() (tx.Header, tx.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.header, d.hash
}

// headerAt returns the header of the block at height if that is the last one. A
// node that is closed answers nobody.
func (d *durable) headerAt(height uint64) (h tx.Header, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return h, false, fmt.Errorf("%w: %w", ErrStopped, store.ErrClosed)
	}
	return d.header, d.header.Height == height, nil
}

// wait returns when the block at height is on disk.
func (d *durable) wait(ctx context.Context, height uint64) error {
	for {
		d.mu.Lock()
		if d.header.Height >= height {
			d.mu.Unlock()
			return nil
		}
		if d.closed {
			d.mu.Unlock()
			return fmt.Errorf("%w before block %d was on disk", ErrStopped, height)
		}
		if d.changed == nil {
			d.changed = make(chan struct{})
		}
		ch := d.changed
		d.mu.Unlock()
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

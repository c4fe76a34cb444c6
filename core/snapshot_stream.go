package core

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/chainweir/weir/core/engine"
)

// sendSnapshot writes the ledger as it is now to w, in the form of a snapshot
// file. While w is slow, what the ledger changes is kept in memory twice, so
// there is one at a time; the others wait.
func (n *Node) sendSnapshot(ctx context.Context, w io.Writer) (engine.Point, error) {
	n.sending.Lock()
	defer n.sending.Unlock()
	n.mu.Lock()
	if n.stHeight == 0 {
		n.mu.Unlock()
		return engine.Point{}, fmt.Errorf("%w: there is none of a chain without a block: begin with its genesis", ErrSnapshot)
	}
	job := n.snaps.freeze()
	n.mu.Unlock()
	h, err := n.snaps.head(ctx, job)
	if err != nil {
		return engine.Point{}, err
	}
	defer job.ledger.Release(&n.mu) // it is, unless w failed at once
	if err := writeSnapshot(cancelled{ctx, w}, h, job.ledger, &n.mu); err != nil {
		return engine.Point{}, fmt.Errorf("sending the snapshot of block %d: %w", h.height, err)
	}
	return h.point(), nil
}

func (h *snapshotHead) point() engine.Point {
	return engine.Point{Number: h.decision, TimeNS: h.header.TimeNS, Height: h.height, Hash: h.hash}
}

// cancelled is a writer that a context ends.
type cancelled struct {
	ctx context.Context
	w   io.Writer
}

func (c cancelled) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(b)
}

// takeSnapshot is engine.App.Restore.
func (n *Node) takeSnapshot(r io.Reader) error {
	h, ok, err := n.snaps.store.take(n.ctx, n.gen, r, func(h *snapshotHead) (bool, error) {
		if head, hash := n.durable.get(); head.Height == h.height && hash == h.hash {
			return false, nil
		}
		if next, _, restarted := n.log.Anchor(); restarted && h.height < next {
			return false, nil // older than what this chain began with
		}
		had, err := hasBlock(n.log, h)
		return !had, err
	})
	if !ok {
		return err
	}
	// Also when its name could not be synced: the next start may begin with it, so
	// that nothing more may be acknowledged on the chain that there was.
	err = errors.Join(fmt.Errorf("%w: that of block %d", engine.ErrReopen, h.height), err)
	n.fail(err)
	return err
}

// writeSnapshotFile writes the snapshot of a replayer's tip, whole or not at all.
func writeSnapshotFile(file string, h *snapshotHead, r *replayer) error {
	out, err := os.CreateTemp(filepath.Dir(file), ".tmp-snapshot-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) // after the rename there is none
	w := bufio.NewWriterSize(out, snapshotChunkBytes)
	err = writeSnapshot(w, h, r.st.Freeze(), new(sync.Mutex))
	if err == nil {
		err = errors.Join(w.Flush(), out.Chmod(0o644), out.Sync())
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(out.Name(), file)
	}
	if err == nil {
		err = syncDir(filepath.Dir(file))
	}
	return err
}

// Package solo orders transactions on a single node: in the order in which
// they arrive, cut into blocks by size or by time.
package solo

import (
	"context"
	"time"
)

// Config says when a block is cut.
type Config struct {
	MaxTxs   int           // cut before a block would hold more transactions
	MaxBytes int           // cut before a block would hold more bytes
	Interval time.Duration // cut this long after the block's first transaction
}

// Size is what one entry adds to a block.
type Size struct{ Txs, Bytes int }

// Run takes entries from in and calls cut with each block's entries until in is
// closed and everything is cut, ctx ends, or cut fails. The slice passed to cut
// is its own. An entry larger than a block's limits makes a block by itself.
//
// cut may block: while it does, entries wait in the channel, which is how a
// slow stage behind this one pushes back.
func Run[T any](ctx context.Context, cfg Config, in <-chan T, size func(T) Size, cut func([]T) error) error {
	var (
		block []T
		total Size
	)
	timer := time.NewTimer(cfg.Interval)
	timer.Stop()
	defer timer.Stop()
	flush := func() error {
		if len(block) == 0 {
			return nil
		}
		timer.Stop()
		out := block
		block, total = nil, Size{}
		return cut(out)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			if err := flush(); err != nil {
				return err
			}
		case e, ok := <-in:
			if !ok {
				return flush()
			}
			s := size(e)
			if total.Txs+s.Txs > cfg.MaxTxs || total.Bytes+s.Bytes > cfg.MaxBytes {
				if err := flush(); err != nil {
					return err
				}
			}
			if len(block) == 0 {
				timer.Reset(cfg.Interval)
			}
			block = append(block, e)
			total.Txs += s.Txs
			total.Bytes += s.Bytes
			if total.Txs >= cfg.MaxTxs || total.Bytes >= cfg.MaxBytes {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
}

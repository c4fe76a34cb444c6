package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Setup is what must stand on the chain before the first transaction of a run,
// signed. It is committed once per chain: a node that starts from genesis again
// needs it again.
type Setup struct {
	chain  tx.ChainID
	chunks []*chunk
	n      int
	bytes  int64
}

// Setup signs the set-up transactions on all cores. Without any it is empty,
// never nil. Progress may be nil.
func (s *Source) Setup(ctx context.Context, progress func(done, total int)) (*Setup, error) {
	out := &Setup{chain: s.at.ID}
	encoders := newEncoders(&s.at, s.seed, streamSetupBytes)
	for ops := s.setupOps; len(ops) > 0; {
		part := ops[:min(len(ops), chunkTxs)]
		ops = ops[len(part):]
		c, err := sign(ctx, part, encoders)
		if err != nil {
			return nil, err
		}
		out.chunks = append(out.chunks, c)
		out.n += len(part)
		out.bytes += int64(len(c.data))
		if progress != nil {
			progress(out.n, len(s.setupOps))
		}
	}
	return out, nil
}

// Len is the number of transactions, Bytes their length.
func (s *Setup) Len() int { return s.n }

// Bytes is the length of all encodings.
func (s *Setup) Bytes() int64 { return s.bytes }

// Piece returns transactions from index i; see loadgen.Source.
func (s *Setup) Piece(i, n, maxBytes int) (txs []byte, count int) {
	if i < 0 || i >= s.n || n <= 0 {
		return nil, 0
	}
	return s.chunks[i/chunkTxs].piece(i%chunkTxs, n, maxBytes)
}

// Limits of Commit.
const (
	setupAhead = 4096             // transactions under way: what a node takes from one client at least
	setupFrame = 1024             // transactions in a frame
	setupStall = 30 * time.Second // without any answer
)

// Commit sends the set-up to a weir node over one connection, which keeps the
// order, and waits until all of it is committed. Dial may be nil for TCP. Other
// errors than those of the connection wrap ErrSetup.
func (s *Setup) Commit(ctx context.Context, addr string, dial func(ctx context.Context, addr string) (net.Conn, error)) error {
	if s.n == 0 {
		return nil
	}
	p := &committing{changed: make(chan struct{}, 1)}
	c, err := client.Dial(ctx, addr, client.Options{ChainID: s.chain, Dial: dial, Timeout: setupStall, Handler: client.Handler{
		Ack: func(seq uint64, _ int, st tx.Status) {
			if st != tx.StatusOK {
				p.fail(fmt.Errorf("%w: transaction %d: %s; the set-up needs a chain that nobody else uses meanwhile", ErrSetup, seq, st))
			}
		},
		Commit: func(_, _ uint64, r wire.Range) { p.done(int(r.Count)) },
		Reject: func(seq uint64, st tx.Status) {
			p.fail(fmt.Errorf("%w: transaction %d: %s; the set-up needs a chain that nobody else uses meanwhile", ErrSetup, seq, st))
		},
		Closed: func(err error) { p.fail(fmt.Errorf("%w: the connection ended: %w", ErrSetup, err)) },
	}})
	if err != nil {
		return err
	}
	w := c.Welcome()
	frame, limit := setupFrame, 0
	if w.MaxTxs > 0 {
		frame = min(frame, int(w.MaxTxs))
	}
	if w.MaxPayload > 0 {
		limit = max(1, int(w.MaxPayload)-64)
	}
	for sent := 0; ; {
		committed, failed := p.state()
		if failed != nil || committed >= s.n {
			return errors.Join(failed, c.Close())
		}
		if sent < s.n && sent-committed+frame <= max(setupAhead, frame) {
			txs, n := s.Piece(sent, frame, limit)
			if err := c.Submit(uint64(sent), n, txs); err != nil {
				return errors.Join(fmt.Errorf("%w: %w", ErrSetup, err), c.Close())
			}
			sent += n
			continue
		}
		if err := p.wait(ctx, committed, s.n); err != nil {
			return errors.Join(err, c.Close())
		}
	}
}

// committing is the progress of a set-up.
type committing struct {
	mu        sync.Mutex
	committed int
	failed    error
	changed   chan struct{}
}

func (p *committing) state() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.committed, p.failed
}

func (p *committing) done(n int) {
	p.mu.Lock()
	p.committed += n
	p.mu.Unlock()
	p.notify()
}

func (p *committing) fail(err error) {
	p.mu.Lock()
	if p.failed == nil {
		p.failed = err
	}
	p.mu.Unlock()
	p.notify()
}

func (p *committing) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// wait returns when something has happened.
func (p *committing) wait(ctx context.Context, committed, total int) error {
	t := time.NewTimer(setupStall)
	defer t.Stop()
	select {
	case <-p.changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return fmt.Errorf("%w: %d of %d committed, and nothing more for %v; is the node alive?", ErrSetup, committed, total, setupStall)
	}
}

// CountItems asks a node how many item slots are in use: what Chain.FirstItem
// must be. Slots are dense, so a few dozen questions find the first free one.
func CountItems(ctx context.Context, c *client.Client) (uint32, error) {
	used := func(slot uint64) (bool, error) {
		_, err := c.Item(ctx, uint32(slot))
		if errors.Is(err, client.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	lo, hi := uint64(0), uint64(1) // slots below lo are in use; hi-1 may be
	for {
		ok, err := used(hi - 1)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		lo, hi = hi, min(2*hi, 1<<32)
		if lo == hi {
			return 0, fmt.Errorf("%w: all item slots are taken", ErrChain)
		}
	}
	for hi--; lo < hi; {
		mid := (lo + hi) / 2
		ok, err := used(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return uint32(lo), nil
}

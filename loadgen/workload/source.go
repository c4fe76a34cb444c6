package workload

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/loadgen"
)

// Chain says for whom and for where transactions are signed.
type Chain struct {
	ID tx.ChainID
	// Keys are those of the accounts; account k has the slot FirstSlot+k.
	Keys       []ed25519.PrivateKey
	FirstSlot  uint32
	FirstNonce []uint64 // next nonce of each account; nil: 1 for all
	Balance    []uint64 // of each account; nil: the workload's for all
	FirstItem  uint32   // the next free item slot, see CountItems
}

// Options are how a source keeps its transactions. The zero value is good.
type Options struct {
	// MemoryBytes is how much of the transactions is kept in memory, default
	// 1 GiB. If there is more, all of it goes to a file, and memory holds what
	// is sent now and next.
	MemoryBytes int64
	// Dir is where the file is made, default the system's folder for temporary
	// files. It has no name there once it is open, where the system allows that.
	Dir string

	chunkTxs int // tests: smaller chunks
}

// maxTxs bounds a source: 50 000 a second for a day.
const maxTxs = 1 << 32

// Source is the transactions of a run. It is a loadgen.Source; Len may be more
// than was asked for. Close it at the end.
type Source struct {
	w    *Workload
	at   Chain
	seed uint64

	gen      *generator
	setupOps []op
	encoders []*encoder
	ops      []op // of the chunk in work
	signed   atomic.Int64
	signNS   atomic.Int64

	chunk int // transactions in a chunk
	shelf shelf
}

var (
	_ loadgen.Source   = (*Source)(nil)
	_ loadgen.Preparer = (*Source)(nil)
)

// Open binds a workload to a chain. The workload must not be changed after it.
// Errors wrap ErrChain.
func Open(w *Workload, at Chain, seed uint64, opts Options) (*Source, error) {
	n := len(at.Keys)
	switch {
	case w.AccountsGiven && uint32(n) < w.Accounts.Count:
		return nil, fmt.Errorf("%w: workload %s asks for %d accounts, the chain gives %d; lower accounts.count, or start the node with more --accounts", ErrChain, w.Name, w.Accounts.Count, n)
	case n < 2:
		return nil, fmt.Errorf("%w: %d keys, a workload needs two accounts", ErrChain, n)
	case uint64(at.FirstSlot)+uint64(n) > math.MaxUint32:
		return nil, fmt.Errorf("%w: %d accounts from slot %d exceed the slots", ErrChain, n, at.FirstSlot)
	}
	at.Keys = at.Keys[:min(n, int(w.Accounts.Count))]
	n = len(at.Keys)
	for _, l := range []struct {
		what string
		have int
	}{{"first nonces", len(at.FirstNonce)}, {"balances", len(at.Balance)}} {
		if l.have != 0 && l.have < n {
			return nil, fmt.Errorf("%w: %d %s for %d keys, give one per key or none", ErrChain, l.have, l.what, n)
		}
	}
	for i, k := range at.Keys {
		if len(k) != ed25519.PrivateKeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, an Ed25519 private key has %d", ErrChain, i, len(k), ed25519.PrivateKeySize)
		}
	}
	g, err := newGenerator(w, &at, seed)
	if err != nil {
		return nil, err
	}
	s := &Source{w: w, at: at, seed: seed, gen: g, setupOps: g.setup(), encoders: newEncoders(&at, seed, streamBytes)}
	if s.chunk = opts.chunkTxs; s.chunk == 0 {
		s.chunk = chunkTxs
	}
	s.shelf.init(opts, at.ID, seed)
	return s, nil
}

// Workload is the description.
func (s *Source) Workload() *Workload { return s.w }

// Chain is the chain that the transactions are signed for.
func (s *Source) Chain() tx.ChainID { return s.at.ID }

// Len is the number of transactions that are ready.
func (s *Source) Len() int { return s.shelf.len() }

// Extend signs on all cores until n transactions are ready or more: it goes on
// to the end of a chunk. Progress, which may be nil, is called from the calling
// goroutine. When ctx ends, what is ready stays, and ctx's error is returned.
// Other errors wrap ErrUsedUp or ErrCorpusFile.
func (s *Source) Extend(ctx context.Context, n int, progress func(done, total int)) error {
	if n > maxTxs {
		return fmt.Errorf("%w: %d transactions, one source gives at most %d", ErrUsedUp, n, maxTxs)
	}
	for s.Len() < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(s.ops) < s.chunk { // else the chunk before was interrupted
			if err := s.decide(); err != nil && s.Len()+len(s.ops) < n {
				return err
			}
		}
		begin := time.Now()
		c, err := sign(ctx, s.ops, s.encoders)
		if err != nil {
			return err
		}
		s.signNS.Add(time.Since(begin).Nanoseconds())
		s.signed.Add(int64(len(s.ops)))
		if err := s.shelf.add(c); err != nil {
			return err
		}
		s.ops = s.ops[:0]
		if progress != nil {
			progress(min(s.Len(), n), n)
		}
	}
	return nil
}

// decide draws the operations of the next chunk, as far as there are any.
func (s *Source) decide() error {
	for len(s.ops) < s.chunk {
		o, err := s.gen.draw()
		if err != nil {
			return err
		}
		s.ops = append(s.ops, o)
	}
	return nil
}

// Piece returns transactions from index i; see loadgen.Source. It never waits
// for a disk: of transactions that have not been read back in time it returns
// none, and they count as dropped by the generator. The bytes stay valid.
func (s *Source) Piece(i, n, maxBytes int) (txs []byte, count int) {
	if i < 0 || i >= s.Len() || n <= 0 {
		return nil, 0
	}
	c := s.shelf.get(i / s.chunk)
	if c == nil {
		return nil, 0
	}
	return c.piece(i%s.chunk, n, maxBytes)
}

// Prepare waits until the transactions from index first on are in memory, as
// far as memory goes. loadgen.Run calls it before it starts.
func (s *Source) Prepare(ctx context.Context, first int) error {
	if first < 0 || first >= s.Len() {
		return nil
	}
	return s.shelf.prepare(ctx, first/s.chunk)
}

// Missed is how often Piece was asked for what was not in memory.
func (s *Source) Missed() int64 { return s.shelf.missed.Load() }

// SignedPerSec is the rate at which Extend signed, 0 before it did.
func (s *Source) SignedPerSec() float64 {
	ns := s.signNS.Load()
	if ns == 0 {
		return 0
	}
	return float64(s.signed.Load()) * 1e9 / float64(ns)
}

// Close ends the reading ahead and removes the file.
func (s *Source) Close() error { return s.shelf.close() }

// MeanBytes is the expected length of a transaction's encoding.
func (s *Source) MeanBytes() float64 {
	sum := 0.0
	for _, c := range s.gen.comps {
		b := float64(tx.Size)
		if c.kind.HasTail() {
			b += 4 + c.part.size.mean
		}
		sum += c.p * b
	}
	return sum
}

// OrderSlackTxs is how many transactions one connection may be ahead of another
// before transactions can become invalid: because a sender's numbers leave its
// replay window, or because an item changes hands again before it has. A block
// that mixes transfers with other kinds must not be longer either, because a
// node executes these first. It follows from the expected shares, with room for
// four standard deviations.
func (s *Source) OrderSlackTxs() int {
	share := make([]float64, s.gen.n)
	slack := math.Inf(1)
	for _, c := range s.gen.comps {
		c.addShares(share, s.gen)
		if c.kind == tx.KindTransferItem {
			k := float64(len(c.part.owner))
			slack = min(slack, max(1, k-4*math.Sqrt(k*(1-c.p)))/c.p)
		}
	}
	top := 0.0
	for _, p := range share {
		top = max(top, p)
	}
	return int(min(slack, safeWindow/top, maxTxs))
}

// safeWindow is what may be expected of one sender so that it hardly ever sends
// more than a replay window: λ + 4√λ = tx.WindowSize.
const safeWindow = 90

// addShares adds how much of all transactions each account sends for c.
func (c *component) addShares(share []float64, g *generator) {
	p := c.part
	each := func(ch *chooser, of float64) {
		for rank := range share {
			share[g.byRank[rank]] += of * ch.prob(uint32(rank))
		}
	}
	switch c.kind {
	case tx.KindTransfer:
		if h := p.spec.Transfer.Hot; h != nil && h.Side != "to" {
			for rank := range p.hot {
				share[g.byRank[rank]] += c.p * h.Share / float64(p.hot)
			}
			each(&p.from, c.p*(1-h.Share))
			return
		}
		each(&p.from, c.p)
	case tx.KindPut:
		each(&p.from, c.p)
	case tx.KindMint:
		k := uint64(p.spec.Collection.Collections)
		for col := range k {
			share[g.owner(col)] += c.p / float64(k)
		}
	case tx.KindTransferItem: // who owns the items after they have changed hands
		each(&p.to, c.p)
	case tx.KindBurn:
		each(&chooser{n: g.n, top: 1 / float64(g.n)}, c.p)
	}
}

package bench

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/loadgen"
)

// source is where the feed's transactions come from.
type source interface {
	// next returns up to n transactions, back to back, that were not returned
	// before; none at the end. They may be used again once the node has
	// committed as many as are under way at most.
	next(n int) []byte
	// reserve makes sure that there are about n more.
	reserve(ctx context.Context, n float64, progress func(string)) error
	// bytes is the memory of the transactions.
	bytes() int64
}

// signed reads a corpus from its begin to its end.
type signed struct {
	corpus *loadgen.Corpus
	keys   []ed25519.PrivateKey
	at     int
}

func newSigned(gen *genesis.Genesis, uniform bool) (*signed, error) {
	keys := gen.Derived.PrivateKeys(int(gen.Derived.Count))
	c, err := loadgen.NewCorpus(loadgen.CorpusConfig{Chain: gen.ChainID(), Keys: keys, FirstSlot: gen.FirstDerivedSlot(), Seed: 1, Uniform: uniform})
	if err != nil {
		return nil, err
	}
	return &signed{corpus: c, keys: keys}, nil
}

func (s *signed) next(n int) []byte {
	raw, count := s.corpus.Piece(s.at, n, 0)
	s.at += count
	return raw
}

func (s *signed) reserve(ctx context.Context, n float64, progress func(string)) error {
	return s.extend(ctx, s.at+int(n), progress)
}

func (s *signed) extend(ctx context.Context, n int, progress func(string)) error {
	begin, have := time.Now(), s.corpus.Len()
	return s.corpus.Extend(ctx, n, func(done, total int) {
		rate := float64(done-have) / time.Since(begin).Seconds()
		progress(fmt.Sprintf("signing %d of %d (%.0f/s)", done, total, rate))
	})
}

func (s *signed) bytes() int64 { return int64(s.corpus.Len()) * tx.Size }

// ring holds unsigned transfers whose nonces rise each time they come round, so
// that a few seconds of a million transactions a second fit into memory.
type ring struct {
	raw      []byte
	accounts int
	at       int
	pass     uint64
}

// ringTxs is how many transactions a ring holds, or more for more accounts.
const ringTxs = 1 << 20

// newRing makes transfers from every account in turn to one far away from it.
func newRing(accounts int) *ring {
	n := (ringTxs + accounts - 1) / accounts * accounts
	r := &ring{raw: make([]byte, 0, n*tx.Size), accounts: accounts}
	for i := range n {
		from := uint64(i % accounts)
		to := (from*0x9e3779b97f4a7c15>>7 + uint64(i)) % uint64(accounts)
		f := tx.Fields{Kind: tx.KindTransfer, From: uint32(from), To: uint32(to), Amount: 1, Expiry: 1 << 62}
		r.raw = f.AppendUnsigned(r.raw)
	}
	return r
}

const nonceAt = 24 // offset in a transaction

func (r *ring) next(n int) []byte {
	total := len(r.raw) / tx.Size
	if r.at == total {
		r.at, r.pass = 0, r.pass+1
	}
	n = min(n, total-r.at)
	out := r.raw[r.at*tx.Size:][:n*tx.Size]
	base := 1 + r.pass*uint64(total/r.accounts)
	for i := range n {
		binary.LittleEndian.PutUint64(out[i*tx.Size+nonceAt:], base+uint64((r.at+i)/r.accounts))
	}
	r.at += n
	return out
}

func (*ring) reserve(context.Context, float64, func(string)) error { return nil }
func (r *ring) bytes() int64                                       { return int64(len(r.raw)) }

// bareVerify checks the signatures of a corpus as the node's workers do, and
// does nothing else: what the pipeline could reach at best.
type bareVerify struct {
	chain   tx.ChainID
	src     *signed
	keys    *verify.Keys
	workers int

	verifiers []*verify.Batch // of the workers; they last, as the node's do

	// next is the place in the corpus that is verified next. It goes on from
	// window to window and round again at the end, so that accounts come back
	// after as many others as in the pipeline, and both find as many keys in
	// their caches.
	next atomic.Int64
}

// bareBatch is how many signatures are given to the verifier at once, as in the
// node.
const bareBatch = verify.MaxBatch

func newBareVerify(chain tx.ChainID, src *signed, cfg NodeBenchConfig) *bareVerify {
	b := &bareVerify{chain: chain, src: src, workers: cfg.Workers}
	b.forget(cfg.ExpandedKeys)
	return b
}

// forget empties the key cache.
func (b *bareVerify) forget(expandedKeys int) {
	b.keys = verify.NewKeys(expandedKeys)
	for _, k := range b.src.keys {
		b.keys.Append([32]byte(k.Public().(ed25519.PublicKey)))
	}
	b.verifiers = b.verifiers[:0]
	for range b.workers {
		b.verifiers = append(b.verifiers, verify.NewBatch(b.chain, b.keys))
	}
}

// window verifies for d and returns signatures per second: the sum of the
// workers' rates, each until its own last batch, so that no idle end counts.
func (b *bareVerify) window(ctx context.Context, d time.Duration) (float64, error) {
	var (
		checked, bad atomic.Int64
		wg           sync.WaitGroup
		rates        = make([]float64, b.workers)
	)
	begin, size := time.Now(), int64(b.src.corpus.Len())
	for worker := range b.workers {
		// The label tells the two kinds of windows apart in a profile.
		wg.Go(func() {
			pprof.Do(ctx, pprof.Labels("window", "bare"), func(ctx context.Context) {
				own := 0
				v := b.verifiers[worker]
				txs, status := make([]tx.View, 0, bareBatch), make([]tx.Status, bareBatch)
				for time.Since(begin) < d && ctx.Err() == nil {
					raw, count := b.src.corpus.Piece(int((b.next.Add(bareBatch)-bareBatch)%size), bareBatch, 0)
					txs = txs[:0]
					for i := range count {
						txs = append(txs, tx.View(raw[i*tx.Size:][:tx.Size]))
					}
					clear(status)
					v.Verify(txs, status[:count])
					for _, s := range status[:count] {
						if s != tx.StatusOK {
							bad.Add(1)
						}
					}
					checked.Add(int64(count))
					own += count
				}
				rates[worker] = float64(own) / time.Since(begin).Seconds()
			})
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if k := bad.Load(); k > 0 {
		return 0, fmt.Errorf("%w: %d of %d good signatures did not verify", ErrNodeBench, k, checked.Load())
	}
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum, nil
}

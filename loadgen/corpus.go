package loadgen

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/chainweir/weir/core/tx"
)

// Errors of a corpus.
var (
	ErrCorpus      = errors.New("bad corpus")
	ErrCorpusSmall = errors.New("the corpus has too few transactions")
)

// chunkTxs is how many transactions lie in one piece of memory (1.6 MB). A
// frame never spans two pieces.
const chunkTxs = 8192

// maxCorpus bounds a corpus to 13 GB.
const maxCorpus = 1 << 26

// CorpusConfig says whose transfers a corpus holds.
type CorpusConfig struct {
	Chain tx.ChainID
	// Keys are the senders' keys; account k has the slot FirstSlot+k. At least
	// two are needed. A node remembers 128 nonces per account, so connections
	// may run 128·len(Keys) transactions apart before the later ones are
	// refused as replays: give a thousand or more.
	Keys       []ed25519.PrivateKey
	FirstSlot  uint32
	FirstNonce []uint64 // next nonce per account; nil: 1 for all
	Seed       uint64
	// Uniform draws each sender at random from all accounts, instead of taking
	// them in turn: an account then comes back after any number of others, as
	// those of independent users do.
	Uniform bool
}

// Corpus is a growing list of signed transfers that is a function of its
// configuration: transaction i goes from account i mod N, or from one drawn at
// random, with that account's next nonce, to another account. Extend must not run
// beside readers.
type Corpus struct {
	cfg    CorpusConfig
	chunks [][]byte
	n      int

	// Of uniform corpora: how many each account has sent, and the senders of the
	// piece in work with their numbers.
	sent   []uint64
	sender []uint32
	number []uint64
}

// NewCorpus returns an empty corpus. Errors wrap ErrCorpus.
func NewCorpus(cfg CorpusConfig) (*Corpus, error) {
	n := len(cfg.Keys)
	switch {
	case n < 2:
		return nil, fmt.Errorf("%w: %d keys, a transfer needs two accounts", ErrCorpus, n)
	case uint64(cfg.FirstSlot)+uint64(n) > math.MaxUint32:
		return nil, fmt.Errorf("%w: %d accounts from slot %d exceed the slots", ErrCorpus, n, cfg.FirstSlot)
	case cfg.FirstNonce != nil && len(cfg.FirstNonce) != n:
		return nil, fmt.Errorf("%w: %d first nonces for %d keys, give one per key or none", ErrCorpus, len(cfg.FirstNonce), n)
	}
	for i, k := range cfg.Keys {
		if len(k) != ed25519.PrivateKeySize {
			return nil, fmt.Errorf("%w: key %d has %d bytes, an Ed25519 private key has %d", ErrCorpus, i, len(k), ed25519.PrivateKeySize)
		}
	}
	return &Corpus{cfg: cfg}, nil
}

// Len is the number of transactions that are ready.
func (c *Corpus) Len() int { return c.n }

// Chain is the chain that the transactions are signed for.
func (c *Corpus) Chain() tx.ChainID { return c.cfg.Chain }

// Extend signs on all cores until n transactions are ready; it never takes any
// away. Progress, which may be nil, is called from the calling goroutine. When
// ctx ends, what is ready stays, and ctx's error is returned.
func (c *Corpus) Extend(ctx context.Context, n int, progress func(done, total int)) error {
	if n > maxCorpus {
		return fmt.Errorf("%w: %d transactions, at most %d are kept in memory", ErrCorpus, n, maxCorpus)
	}
	for c.n < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.n == len(c.chunks)*chunkTxs {
			c.chunks = append(c.chunks, make([]byte, chunkTxs*tx.Size))
		}
		end := min(n, len(c.chunks)*chunkTxs)
		c.draw(c.n, end)
		c.fill(c.n, end)
		c.n = end
		if progress != nil {
			progress(c.n, n)
		}
	}
	return nil
}

// draw chooses the senders of transactions from..to-1 of a uniform corpus.
func (c *Corpus) draw(from, to int) {
	if !c.cfg.Uniform {
		return
	}
	if c.sent == nil {
		c.sent = make([]uint64, len(c.cfg.Keys))
	}
	c.sender, c.number = c.sender[:0], c.number[:0]
	for i := from; i < to; i++ {
		// Another sequence than that of put, which draws the rest.
		k := uint32(mixOne(c.cfg.Seed+^mixOne(uint64(i))) % uint64(len(c.cfg.Keys)))
		c.sender = append(c.sender, k)
		c.number = append(c.number, c.sent[k])
		c.sent[k]++
	}
}

// fill makes transactions from..to-1, all in the last chunk.
func (c *Corpus) fill(from, to int) {
	const step = 64
	chunk := c.chunks[len(c.chunks)-1]
	base := (len(c.chunks) - 1) * chunkTxs
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (to-from+step-1)/step) {
		wg.Go(func() {
			for {
				lo := from + int(next.Add(step)) - step
				if lo >= to {
					return
				}
				for i := lo; i < min(lo+step, to); i++ {
					at := (i - base) * tx.Size
					sender, number := i%len(c.cfg.Keys), uint64(i/len(c.cfg.Keys))
					if c.cfg.Uniform {
						sender, number = int(c.sender[i-from]), c.number[i-from]
					}
					c.put(chunk[at:at:at+tx.Size], i, sender, number)
				}
			}
		})
	}
	wg.Wait()
}

// put encodes and signs transaction i, which is that account's with so many
// before it, into dst, which has room for it.
func (c *Corpus) put(dst []byte, i, from int, before uint64) {
	n := len(c.cfg.Keys)
	r := mix{c.cfg.Seed ^ mixOne(uint64(i))}
	f := tx.Fields{
		Kind:   tx.KindTransfer,
		From:   c.cfg.FirstSlot + uint32(from),
		To:     c.cfg.FirstSlot + uint32((from+1+int(r.next()%uint64(n-1)))%n),
		Amount: 1 + r.next()%100,
		Nonce:  1 + before,
		Expiry: math.MaxUint64,
	}
	if c.cfg.FirstNonce != nil {
		f.Nonce = c.cfg.FirstNonce[from] + before
	}
	for at := 0; at < tx.MemoSize; at += 8 {
		binary.LittleEndian.PutUint64(f.Memo[at:], r.next())
	}
	v := tx.View(f.AppendUnsigned(dst))
	var buf [tx.SigningSize]byte
	// curve25519-voi signs twice as fast as crypto/ed25519 and gives the same
	// bytes (RFC 8032 leaves no choice), which a test checks.
	sig := voi.Sign(voi.PrivateKey(c.cfg.Keys[from]), v.AppendSigning(buf[:0], &c.cfg.Chain))
	copy(v.Signature(), sig)
}

// Piece returns up to n encoded transactions from index i that lie back to
// back, and how many they are: fewer than n at the end of a piece of memory or
// of the corpus or when more would exceed maxBytes (0: no limit), none outside
// the corpus. The bytes must not be changed.
func (c *Corpus) Piece(i, n, maxBytes int) (txs []byte, count int) {
	if maxBytes > 0 {
		n = min(n, max(1, maxBytes/tx.Size))
	}
	if i < 0 || i >= c.n || n <= 0 {
		return nil, 0
	}
	at := i % chunkTxs
	count = min(n, chunkTxs-at, c.n-i)
	return c.chunks[i/chunkTxs][at*tx.Size : (at+count)*tx.Size], count
}

// mix is the SplitMix64 sequence (Steele, Lea and Flood 2014): good enough for
// amounts and memos, and reachable at any index without running through those
// before it.
type mix struct{ s uint64 }

func (m *mix) next() uint64 {
	m.s += 0x9e3779b97f4a7c15
	return mixOne(m.s)
}

func mixOne(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

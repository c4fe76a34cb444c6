package jsonrpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrSource says that transactions cannot be made.
var ErrSource = errors.New("bad source of transactions")

// chunkTxs is how many transactions lie in one piece of memory.
const chunkTxs = 512

// maxPacked bounds what a source holds, in bytes.
const maxPacked = 8 << 30

// headLen is what stands before each transaction: its length and its key.
const headLen = 4 + 8

// Packed is a growing list of transactions of any length. It is a
// loadgen.Source; Each takes its pieces apart.
type Packed struct {
	// Make appends transaction i to dst and returns it with its key. It is
	// called for several i at once.
	make   func(dst []byte, i int) (tx []byte, key uint64, err error)
	chunks []chunk
	bytes  int64
}

// chunk holds chunkTxs transactions; at[k] is where the k-th begins.
type chunk struct {
	data []byte
	at   [chunkTxs + 1]uint32
}

// NewPacked returns an empty source.
func NewPacked(fill func(dst []byte, i int) (tx []byte, key uint64, err error)) *Packed {
	return &Packed{make: fill}
}

// Len is the number of transactions that are ready.
func (p *Packed) Len() int { return len(p.chunks) * chunkTxs }

// MeanBytes is the mean length of a transaction, 0 when there is none.
func (p *Packed) MeanBytes() float64 {
	if len(p.chunks) == 0 {
		return 0
	}
	return float64(p.bytes)/float64(p.Len()) - headLen
}

// Extend makes n transactions ready, on all cores; see loadgen.Source.
func (p *Packed) Extend(ctx context.Context, n int, progress func(done, total int)) error {
	want := (n + chunkTxs - 1) / chunkTxs
	for len(p.chunks) < want {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.bytes > maxPacked {
			return fmt.Errorf("%w: over %d bytes in memory for %d transactions: lower the rate, the duration or the size", ErrSource, int64(maxPacked), p.Len())
		}
		batch := make([]chunk, min(want-len(p.chunks), 4*runtime.GOMAXPROCS(0)))
		if err := p.fill(batch, len(p.chunks)*chunkTxs); err != nil {
			return err
		}
		for i := range batch {
			p.bytes += int64(len(batch[i].data))
		}
		p.chunks = append(p.chunks, batch...)
		if progress != nil {
			progress(min(p.Len(), n), n)
		}
	}
	return nil
}

func (p *Packed) fill(batch []chunk, first int) error {
	var (
		next atomic.Int64
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for range min(len(batch), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(batch) {
					return
				}
				if err := p.chunk(&batch[i], first+i*chunkTxs); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (p *Packed) chunk(c *chunk, first int) error {
	var b []byte
	for k := range chunkTxs {
		at := len(b)
		c.at[k] = uint32(at)
		b = append(b, make([]byte, headLen)...)
		var key uint64
		var err error
		if b, key, err = p.make(b, first+k); err != nil {
			return fmt.Errorf("transaction %d: %w", first+k, err)
		}
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-headLen))
		binary.LittleEndian.PutUint64(b[at+4:], key)
		if len(b) > 1<<30 {
			return fmt.Errorf("%w: %d transactions have over 1 GiB: make them smaller", ErrSource, k+1)
		}
	}
	c.at[chunkTxs] = uint32(len(b))
	c.data = b
	return nil
}

// Piece is part of loadgen.Source. The bytes include what Each needs.
func (p *Packed) Piece(i, n, maxBytes int) (txs []byte, count int) {
	if i < 0 || i >= p.Len() || n <= 0 {
		return nil, 0
	}
	c, k := &p.chunks[i/chunkTxs], i%chunkTxs
	count = min(n, chunkTxs-k)
	for maxBytes > 0 && count > 1 && int(c.at[k+count]-c.at[k]) > maxBytes {
		count--
	}
	return c.data[c.at[k]:c.at[k+count]], count
}

// Each yields the transactions of a piece.
func Each(txs []byte, yield func(tx []byte, key uint64)) {
	for len(txs) >= headLen {
		end := headLen + int(binary.LittleEndian.Uint32(txs))
		yield(txs[headLen:end], binary.LittleEndian.Uint64(txs[4:]))
		txs = txs[end:]
	}
}

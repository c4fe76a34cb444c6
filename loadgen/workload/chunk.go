package workload

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"sync"
	"sync/atomic"
)

// chunkTxs is how many transactions are signed, stored and read together. A
// frame never spans two chunks.
const chunkTxs = 4096

// chunk is up to chunkTxs transactions, back to back.
type chunk struct {
	ends []uint32 // of each transaction in data
	data []byte
}

func (c *chunk) begin(i int) int {
	if i == 0 {
		return 0
	}
	return int(c.ends[i-1])
}

// piece returns at most n transactions from i that have at most maxBytes.
func (c *chunk) piece(i, n, maxBytes int) ([]byte, int) {
	from := c.begin(i)
	last := min(i+n, len(c.ends))
	if maxBytes > 0 && int(c.ends[last-1])-from > maxBytes {
		// Lengths vary, so the last that fits is searched; the first one goes in any case.
		lo, hi := i+1, last
		for lo < hi {
			mid := (lo + hi + 1) / 2
			if int(c.ends[mid-1])-from <= maxBytes {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		last = lo
	}
	to := int(c.ends[last-1])
	return c.data[from:to:to], last - i
}

// memory is what the chunk takes.
func (c *chunk) memory() int64 { return int64(len(c.data)) + 4*int64(len(c.ends)) }

// signStep is how many transactions a worker takes at a time.
const signStep = 32

// sign encodes and signs the operations on all cores.
func sign(ctx context.Context, ops []op, encoders []*encoder) (*chunk, error) {
	c := &chunk{ends: make([]uint32, len(ops))}
	end := 0
	for i := range ops {
		end += ops[i].size()
		c.ends[i] = uint32(end)
	}
	c.data = make([]byte, end)
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, e := range encoders {
		wg.Go(func() {
			for ctx.Err() == nil {
				lo := int(next.Add(signStep)) - signStep
				if lo >= len(ops) {
					return
				}
				for i := lo; i < min(lo+signStep, len(ops)); i++ {
					from, to := c.begin(i), int(c.ends[i])
					e.put(c.data[from:from:to], &ops[i])
				}
			}
		})
	}
	wg.Wait()
	return c, ctx.Err()
}

func newEncoders(at *Chain, seed, stream uint64) []*encoder {
	es := make([]*encoder, runtime.GOMAXPROCS(0))
	for i := range es {
		es[i] = &encoder{seed: seed, stream: stream, chain: at.ID, keys: at.Keys, first: at.FirstSlot}
	}
	return es
}

// A chunk in a file:
//
//	0 transactions u32 | 4 bytes u32 | 8 CRC-32C of the rest u32 | 12 zero u32 |
//	16 end of each transaction u32 … | the transactions
const chunkHead = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *chunk) append(dst []byte) []byte {
	le := binary.LittleEndian
	at := len(dst)
	dst = le.AppendUint32(dst, uint32(len(c.ends)))
	dst = le.AppendUint32(dst, uint32(len(c.data)))
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, e := range c.ends {
		dst = le.AppendUint32(dst, e)
	}
	dst = append(dst, c.data...)
	le.PutUint32(dst[at+8:], crc32.Checksum(dst[at+chunkHead:], castagnoli))
	return dst
}

// parseChunk is the inverse of append. The chunk's data is part of b.
func parseChunk(b []byte) (*chunk, error) {
	le := binary.LittleEndian
	if len(b) < chunkHead {
		return nil, fmt.Errorf("%d bytes, a chunk has more", len(b))
	}
	n, size := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
	rest := b[chunkHead:]
	if n == 0 || n > chunkTxs || uint64(len(rest)) != 4*n+size {
		return nil, fmt.Errorf("a chunk of %d transactions and %d bytes, with %d stored", n, size, len(rest))
	}
	if got, want := crc32.Checksum(rest, castagnoli), le.Uint32(b[8:]); got != want || le.Uint32(b[12:]) != 0 {
		return nil, fmt.Errorf("the checksum is %08x, stored is %08x", got, want)
	}
	c := &chunk{ends: make([]uint32, n), data: rest[4*n:]}
	last := uint32(0)
	for i := range c.ends {
		c.ends[i] = le.Uint32(rest[4*i:])
		if c.ends[i] <= last || uint64(c.ends[i]) > size {
			return nil, fmt.Errorf("transaction %d ends at %d, after %d, of %d", i, c.ends[i], last, size)
		}
		last = c.ends[i]
	}
	if uint64(last) != size {
		return nil, fmt.Errorf("the last transaction ends at %d of %d", last, size)
	}
	return c, nil
}

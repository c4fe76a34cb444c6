package main

import "io"

// chunkKeeper passes a stream on and keeps the chunks that are wanted.
type chunkKeeper struct {
	r    io.Reader
	size uint64   // bytes of a chunk
	want []uint64 // rising; those that are still to come
	at   uint64   // bytes passed
	kept [][]byte
}

// maxStreamBytes is more than any stream has; no place beyond it is computed.
const maxStreamBytes = 1 << 62

func (k *chunkKeeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	k.take(p[:n])
	return n, err
}

// take keeps what of b belongs to wanted chunks. Neighbouring bytes of a chunk
// may come in any pieces.
func (k *chunkKeeper) take(b []byte) {
	end := k.at + uint64(len(b))
	for len(k.want) > 0 && k.want[0] < maxStreamBytes/k.size {
		lo := k.want[0] * k.size
		hi := lo + k.size
		if lo >= end {
			break
		}
		from, to := max(lo, k.at), min(hi, end)
		if from == lo {
			k.kept = append(k.kept, nil)
		}
		last := len(k.kept) - 1
		k.kept[last] = append(k.kept[last], b[from-k.at:to-k.at]...)
		if to < hi {
			break
		}
		k.want = k.want[1:]
	}
	k.at = end
}

//go:build amd64 && gc && !purego

package blake3x

import "unsafe"

// avx512MinLanes is the number of chunks from which on sixteen lanes are faster
// than so many single ones, one after the other. A single chunk takes a bit
// less than half as long as sixteen.
const avx512MinLanes = 3

// avx512Job is what the sixteen lanes of one call of lanes16 read and write.
type avx512Job struct {
	src, dst [16]*byte
	lengths  [16]uint32
}

// avx512Window is how many messages ManyAVX512 looks at to find sixteen with
// equal numbers of blocks. Lanes of shorter messages wait for the longest, so a
// wider window wastes less, but its order has to live on the stack.
const avx512Window = 256

// ManyAVX512 works like ManyGeneric.
func ManyAVX512(dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	for len(msgs) > 0 {
		if len(msgs) >= 16 && equalBlocks(msgs[:16]) {
			var job avx512Job
			for i, msg := range msgs[:16] {
				job.src[i], job.dst[i], job.lengths[i] = lane(dst[i*Size:], msg)
			}
			job.digest(16, blocksOf(msgs[0]), key, flags)
			msgs, dst = msgs[16:], dst[16*Size:]
			continue
		}
		window := msgs[:min(len(msgs), avx512Window)]
		manyMixed(dst, window, key, flags)
		msgs, dst = msgs[len(window):], dst[len(window)*Size:]
	}
}

// manyMixed does one window of messages, those with the most blocks first.
func manyMixed(dst []byte, window [][]byte, key *[8]uint32, flags uint32) {
	var order [avx512Window]uint8
	sortByBlocks(&order, window)
	for first := 0; first < len(window); first += 16 {
		group := order[first:min(first+16, len(window))]
		if len(group) < avx512MinLanes {
			for _, i := range group {
				chunkRow(valueAt(dst, int(i)), unsafe.SliceData(window[i]), len(window[i]),
					key, 0, flags, ChunkStart, ChunkEnd|Root)
			}
			continue
		}
		var job avx512Job
		for l := range 16 { // lanes without a message read the last one
			i := int(group[min(l, len(group)-1)])
			job.src[l], job.dst[l], job.lengths[l] = lane(dst[i*Size:], window[i])
		}
		job.digest(len(group), blocksOf(window[group[0]]), key, flags)
	}
}

// lane returns what a job holds for a message. It is not a method that sets
// it, because what is stored through a pointer escapes to the heap.
func lane(dst, msg []byte) (from, to *byte, length uint32) {
	return unsafe.SliceData(msg), &dst[0], uint32(len(msg))
}

// digest hashes the first n lanes, the longest of which has so many blocks.
func (j *avx512Job) digest(n, blocks int, key *[8]uint32, flags uint32) {
	lanes16(&j.dst, &j.src, &j.lengths, n, blocks, key, 0, 0, flags, ChunkStart, ChunkEnd|Root)
}

func equalBlocks(msgs [][]byte) bool {
	for _, msg := range msgs[1:] {
		if blocksOf(msg) != blocksOf(msgs[0]) {
			return false
		}
	}
	return true
}

// blocksOf returns the number of blocks of a message, which has at least one.
func blocksOf(msg []byte) int { return (max(len(msg), 1) + BlockSize - 1) / BlockSize }

// sortByBlocks puts the messages with the most blocks first, by counting.
func sortByBlocks(order *[avx512Window]uint8, window [][]byte) {
	const most = ChunkSize / BlockSize
	var next [most]int // next[most-b] is where the next message of b blocks goes
	for _, msg := range window {
		next[most-blocksOf(msg)]++
	}
	at := 0
	for class, count := range next {
		next[class] = at
		at += count
	}
	for i, msg := range window {
		class := most - blocksOf(msg)
		order[next[class]] = uint8(i)
		next[class]++
	}
}

// avx512XOFSingle is the number of blocks of output up to which single ones are
// faster than sixteen lanes.
const avx512XOFSingle = 2

// XOFAVX512 works like XOFGeneric.
func XOFAVX512(dst []byte, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) {
	flags |= Root
	for ; len(dst) > 0 && len(dst) <= avx512XOFSingle*BlockSize; counter++ {
		var words [16]uint32
		compressRow(&words, cv, block, counter, blockLen, flags)
		dst = dst[copy(dst, (*[BlockSize]byte)(unsafe.Pointer(&words))[:]):]
	}
	for len(dst) > 0 {
		n := min(len(dst), avx512XOFBytes)
		xof16(&dst[0], n, cv, block, counter, blockLen, flags)
		dst = dst[n:]
		counter += avx512XOFBytes / BlockSize
	}
}

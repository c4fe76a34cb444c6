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

// rowsJob gives n ≤ 16 lanes the rows of src, and the other lanes the last row
// to read; lanes16 writes only as many values as it is told. It returns the job
// by value because what is stored through a pointer escapes to the heap.
func rowsJob(dst, src []byte, n, rowBytes int) (j avx512Job) {
	for i := range 16 {
		row := min(i, n-1)
		j.src[i] = &src[row*rowBytes]
		j.dst[i] = &dst[row*Size]
		j.lengths[i] = uint32(rowBytes)
	}
	return j
}

// avx512Window is how many messages ManyAVX512 looks at to find sixteen with
// equal numbers of blocks. Lanes of shorter messages wait for the longest, so a
// wider window wastes less, but its order has to live on the stack.
const avx512Window = 256

// ManyAVX512 works like ManyGeneric.
func ManyAVX512(dst []byte, msgs [][]byte, key *[8]uint32, flags uint32) {
	for len(msgs) > 0 {
		window := msgs[:min(len(msgs), avx512Window)]
		var order [avx512Window]uint8
		sortByBlocks(&order, window)
		for first := 0; first < len(window); first += 16 {
			group := order[first:min(first+16, len(window))]
			if len(group) < avx512MinLanes {
				for _, i := range group {
					digest := ChunkAVX512(window[i], key, 0, flags|Root)
					PutWords(dst[int(i)*Size:], &digest)
				}
				continue
			}
			job := messagesJob(dst, window, group)
			lanes16(&job.dst, &job.src, &job.lengths, len(group), blocksOf(window[group[0]]),
				key, 0, 0, flags, ChunkStart, ChunkEnd|Root)
		}
		msgs, dst = msgs[len(window):], dst[len(window)*Size:]
	}
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

// messagesJob gives each lane a message. Lanes without one read the last.
func messagesJob(dst []byte, window [][]byte, group []uint8) (j avx512Job) {
	for lane := range 16 {
		i := int(group[min(lane, len(group)-1)])
		j.src[lane] = unsafe.SliceData(window[i])
		j.dst[lane] = &dst[i*Size]
		j.lengths[lane] = uint32(len(window[i]))
	}
	return j
}

// XOFAVX512 works like XOFGeneric.
func XOFAVX512(dst []byte, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32) {
	flags |= Root
	for len(dst) > 0 {
		n := min(len(dst), avx512XOFBytes)
		xof16(&dst[0], n, cv, block, counter, blockLen, flags)
		dst = dst[n:]
		counter += avx512XOFBytes / BlockSize
	}
}

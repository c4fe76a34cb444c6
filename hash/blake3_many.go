package hash

import "github.com/chainweir/weir/asm/blake3x"

// BLAKE3Many sets digest i of dst to BLAKE3(msgs[i]). Messages may have any
// lengths. Those of up to 1 KiB are hashed side by side, by kernel
// "blake3_many"; longer ones as by BLAKE3, which has lanes enough in one
// message. dst has len(msgs)×32 bytes, anything else is ErrLength and writes
// nothing.
func BLAKE3Many(dst []byte, msgs [][]byte) error {
	if err := checkMany(dst, len(msgs)); err != nil {
		return err
	}
	blake3ManyBy(kernelBLAKE3Many.Pick(len(msgs)), choiceByLength, dst, msgs)
	return nil
}

// blake3Many hashes all messages, long ones too, with one implementation.
func blake3Many(impl int, dst []byte, msgs [][]byte) { blake3ManyBy(impl, impl, dst, msgs) }

// choiceByLength in place of an implementation's index for long messages means
// that kernel "blake3" has one for each length.
const choiceByLength = -1

func longImpl(long, n int) int {
	if long == choiceByLength {
		return pickBLAKE3(n)
	}
	return long
}

// blake3ManyBy hashes messages of up to a chunk with the implementation impl
// and the others with long.
func blake3ManyBy(impl, long int, dst []byte, msgs [][]byte) {
	switch impl {
	case implAVX512, implAVX2, implScalar:
		manyInLanes(lanesOf(impl), long, dst, msgs)
		return
	}
	for i, msg := range msgs {
		by := impl
		if len(msg) > blake3x.ChunkSize {
			by = longImpl(long, len(msg))
		}
		hashBLAKE3(digestAt(dst, i), by, msg)
	}
}

// manyGather is how many short messages are collected from between long ones:
// several times the lanes of any kernel.
const manyGather = 64

// manyInLanes hands runs of short messages over as they are. Where long ones
// break the runs up, it hashes these and collects the short ones between them.
func manyInLanes(impl blake3x.Impl, long int, dst []byte, msgs [][]byte) {
	for len(msgs) > 0 {
		n := shortRun(msgs)
		if n == len(msgs) || n >= manyGather {
			blake3x.Many(impl, dst[:n*Size], msgs[:n], &blake3x.IV, 0)
		} else {
			n = manyMixed(impl, long, dst, msgs)
		}
		dst, msgs = dst[n*Size:], msgs[n:]
	}
}

// shortRun counts the messages of at most one chunk at the front.
func shortRun(msgs [][]byte) int {
	for i, msg := range msgs {
		if len(msg) > blake3x.ChunkSize {
			return i
		}
	}
	return len(msgs)
}

// manyMixed hashes messages from the front until it has collected manyGather
// short ones or there are no more, and returns how many that were.
func manyMixed(impl blake3x.Impl, long int, dst []byte, msgs [][]byte) int {
	var (
		short   [manyGather][]byte
		place   [manyGather]int
		digests [manyGather * Size]byte
	)
	n, taken := 0, 0
	for taken < len(msgs) && n < manyGather {
		if msg := msgs[taken]; len(msg) > blake3x.ChunkSize {
			hashBLAKE3(digestAt(dst, taken), longImpl(long, len(msg)), msg)
		} else {
			short[n], place[n] = msg, taken
			n++
		}
		taken++
	}
	blake3x.Many(impl, digests[:n*Size], short[:n], &blake3x.IV, 0)
	for i, at := range place[:n] {
		*digestAt(dst, at) = *digestAt(digests[:], i)
	}
	return taken
}

package hash

import (
	"errors"
	"fmt"
)

// Size is the length in bytes of every digest of this package.
const Size = 32

// pairSize is two digests side by side, the children of a Merkle node.
const pairSize = 2 * Size

// ErrLength marks buffers whose lengths do not fit each other. Nothing was
// written.
var ErrLength = errors.New("hash: buffer lengths do not fit")

// checkPairs is small so that it is inlined: for a single pair it counts.
func checkPairs(dst, src []byte) error {
	if len(src)%pairSize == 0 && len(dst) == len(src)/2 {
		return nil
	}
	return pairsLengthError(dst, src)
}

func pairsLengthError(dst, src []byte) error {
	if len(src)%pairSize != 0 {
		return fmt.Errorf("%w: src has %d bytes (dst %d); it must hold whole pairs of %d bytes",
			ErrLength, len(src), len(dst), pairSize)
	}
	return fmt.Errorf("%w: src has %d bytes, that is %d pairs, but dst has %d bytes; it must have %d",
		ErrLength, len(src), len(src)/pairSize, len(dst), len(src)/2)
}

func checkMany(dst []byte, msgs int) error {
	if want := msgs * Size; len(dst) != want {
		return fmt.Errorf("%w: %d messages, but dst has %d bytes; it must have %d",
			ErrLength, msgs, len(dst), want)
	}
	return nil
}

func checkRecords(dst, src []byte, size int) error {
	if size < 1 {
		return fmt.Errorf("%w: record size %d (src has %d bytes, dst %d); it must be 1 or more",
			ErrLength, size, len(src), len(dst))
	}
	if len(src)%size != 0 {
		return fmt.Errorf("%w: src has %d bytes (dst %d); it must hold whole records of %d bytes",
			ErrLength, len(src), len(dst), size)
	}
	if want := len(src) / size * Size; len(dst) != want {
		return fmt.Errorf("%w: src has %d bytes, that is %d records, but dst has %d bytes; it must have %d",
			ErrLength, len(src), len(src)/size, len(dst), want)
	}
	return nil
}

// digestAt is the place of digest i in dst.
func digestAt(dst []byte, i int) *[Size]byte {
	return (*[Size]byte)(dst[i*Size:])
}

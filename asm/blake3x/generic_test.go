package blake3x

import (
	"fmt"
	"testing"

	"github.com/zeebo/blake3"
)

// TestGeneric compares whole messages of up to two chunks, put together from
// the specification's parts, with an independent implementation; and runs the
// batch checks over the specification, to see that they can pass.
func TestGeneric(t *testing.T) {
	for n := range 2*ChunkSize + 1 {
		msg := randomBytes(uint64(n), n)
		var digest [Size]byte
		if n <= ChunkSize {
			words := ChunkGeneric(msg, &IV, 0, Root)
			PutWords(digest[:], &words)
		} else {
			var pair [ParentSize]byte
			left, right := ChunkGeneric(msg[:ChunkSize], &IV, 0, 0), ChunkGeneric(msg[ChunkSize:], &IV, 1, 0)
			PutWords(pair[:], &left)
			PutWords(pair[Size:], &right)
			block := Words(&pair)
			out := CompressGeneric(&IV, &block, 0, BlockSize, Parent|Root)
			PutWords(digest[:], (*[8]uint32)(out[:8]))
		}
		want := blake3.Sum256(msg)
		sameValues(t, fmt.Sprintf("%d bytes", n), digest[:], want[:])
	}
	checkChunks(t, ChunksGeneric)
	checkParents(t, ParentsGeneric)
}

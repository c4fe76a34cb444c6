package merkle

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/hash"
)

// BLAKE3's own tree (O'Connor and others, "BLAKE3", 2020, section 2.1) is no
// Scheme: a leaf's hash depends on its place, and the root's on its being the
// root. What it has in return is that its root is the BLAKE3 digest of the
// message, which many systems have already.
//
//	         digest            root: compressed with a flag of its own
//	        /      \
//	       *        *          parents
//	     /   \    /   \
//	    *     *  4     5       an odd one moves up, as in RFC 6962
//	   / \   / \
//	  0   1 2   3              chunks of 1024 bytes; the last may be shorter

// BLAKE3ChunkSize is the length in bytes of a leaf of BLAKE3's tree. The last
// chunk of a message has 1 to that many, and 0 if the message is empty.
const BLAKE3ChunkSize = hash.BLAKE3ChunkSize

// blake3Nodes is the tree over chaining values, as if no node were the root:
// its layers and paths are BLAKE3's up to the last two values.
var blake3Nodes = &Scheme{name: "blake3", node: blake3Parent, nodes: hash.BLAKE3Parents}

func blake3Parent(left, right Hash) Hash {
	var b [2 * HashSize]byte
	copy(b[:], left[:])
	copy(b[HashSize:], right[:])
	var out Hash
	_ = hash.BLAKE3Parents(out[:], b[:]) // fails for other lengths only
	return out
}

// BLAKE3Root returns the root of BLAKE3's tree over msg, which is its digest,
// with at most workers goroutines (0: one for each processor). It needs memory
// for one chaining value in 256 KiB.
func BLAKE3Root(msg []byte, workers int) Hash { return hash.BLAKE3Parallel(msg, workers) }

// BLAKE3Chunks returns the number of chunks of a message of size bytes.
func BLAKE3Chunks(size uint64) uint64 {
	if size == 0 {
		return 1
	}
	return (size-1)/BLAKE3ChunkSize + 1
}

// BLAKE3Tree holds every chaining value of BLAKE3's tree over a message, about
// a sixteenth of its length, and not the message: what is needed to prove its
// chunks one by one. It does not change once built and is safe for concurrent
// use.
type BLAKE3Tree struct {
	size uint64
	root Hash
	tree *Tree
}

// BuildBLAKE3 hashes msg into a BLAKE3Tree with at most workers goroutines (0:
// one for each processor), none of which outlives the call. It ends early with
// the context's error.
func BuildBLAKE3(ctx context.Context, msg []byte, workers int) (*BLAKE3Tree, error) {
	cvs, err := blake3ChunkValues(ctx, msg, workers)
	if err != nil {
		return nil, err
	}
	tree, err := Build(ctx, blake3Nodes, Nodes(cvs), workers)
	if err != nil {
		return nil, err
	}
	t := &BLAKE3Tree{size: uint64(len(msg)), tree: tree}
	if tree.levels == 0 {
		t.root = hash.BLAKE3(msg) // of one chunk, which is the root itself
		return t, nil
	}
	below := tree.layer(tree.levels - 1)
	t.root = hash.BLAKE3Root((*Hash)(below), (*Hash)(below[HashSize:]))
	return t, nil
}

// Root returns the BLAKE3 digest of the message.
func (t *BLAKE3Tree) Root() Hash { return t.root }

// Size returns the length of the message in bytes.
func (t *BLAKE3Tree) Size() uint64 { return t.size }

// Path returns the inclusion path of chunk index, chaining values from its
// sibling up. ErrIndexRange: the message has no such chunk.
func (t *BLAKE3Tree) Path(index uint64) ([]Hash, error) { return t.tree.Path(index) }

// BLAKE3Path returns the digest of msg and the inclusion path of chunk index at
// the price of one digest, and memory for a thirty-second of msg. Many paths are
// cheaper from a BLAKE3Tree. Otherwise it is BuildBLAKE3 and Path.
func BLAKE3Path(ctx context.Context, msg []byte, index uint64, workers int) (Hash, []Hash, error) {
	n := BLAKE3Chunks(uint64(len(msg)))
	if err := checkIndex(index, n); err != nil {
		return Hash{}, nil, err
	}
	cvs, err := blake3ChunkValues(ctx, msg, workers)
	if err != nil {
		return Hash{}, nil, err
	}
	_, path, err := NewBuilder(blake3Nodes, workers).Path(ctx, Nodes(cvs), index)
	if err != nil {
		return Hash{}, nil, err
	}
	if n == 1 {
		return hash.BLAKE3(msg), path, nil
	}
	return blake3Climb(Hash(cvs[index*HashSize:]), index, n, path), path, nil
}

// VerifyBLAKE3Chunk checks that chunk is chunk index, bytes index×1024 on, of
// the message of size bytes whose BLAKE3 digest is root. path is that of
// BLAKE3Path or BLAKE3Tree. nil: it is proven.
//
// The check is as strict as VerifyInclusion's, and ErrLeafSize marks a chunk
// that has another length than that place in the message. As there, root and size
// must come from a trusted place: a chunk holds for every size that gives it the
// same length and way up. The last chunk alone proves the size: its length and
// its number are hashed with it, and all its siblings lie to its left. Nothing is
// allocated unless the check fails.
func VerifyBLAKE3Chunk(root Hash, chunk []byte, index, size uint64, path []Hash) error {
	n := BLAKE3Chunks(size)
	if err := checkIndex(index, n); err != nil {
		return err
	}
	if want := min(size-index*BLAKE3ChunkSize, BLAKE3ChunkSize); uint64(len(chunk)) != want {
		return fmt.Errorf("%w: chunk %d of %d bytes has %d, this one %d", ErrLeafSize, index, size, want, len(chunk))
	}
	if want := blake3Nodes.pathLen(index, n); len(path) != want {
		return fmt.Errorf("%w: chunk %d of %d has a path of %d nodes, this one has %d",
			ErrPathLength, index, n, want, len(path))
	}
	var got Hash
	if n == 1 {
		got = hash.BLAKE3(chunk)
	} else {
		cv, err := hash.BLAKE3Chunk(chunk, index)
		if err != nil {
			return fmt.Errorf("%w: chunk %d: %w", ErrLeafSize, index, err)
		}
		got = blake3Climb(cv, index, n, path)
	}
	if got != root {
		return fmt.Errorf("%w: chunk %d of %d leads to %x, not to %x", ErrRootMismatch, index, n, got, root)
	}
	return nil
}

// blake3Climb returns the digest that a path of the right length leads to from
// chunk index of n > 1.
func blake3Climb(cv Hash, index, n uint64, path []Hash) Hash {
	for at, last := index, n-1; ; at, last = at>>1, last>>1 {
		if movesUp(at, last) {
			continue
		}
		left, right := cv, path[0]
		if at&1 == 1 {
			left, right = right, left
		}
		if last == 1 { // the two values below the root
			return hash.BLAKE3Root(&left, &right)
		}
		cv, path = blake3Parent(left, right), path[1:]
	}
}

// blake3Piece is how many chunks are hashed between two looks at the context:
// a batch that fills any kernel, some tens of microseconds.
const blake3Piece = 256

// blake3ChunkValues returns the chaining values of all chunks of msg, of which
// there is at least one. A single chunk has no use for its value, which is zero.
func blake3ChunkValues(ctx context.Context, msg []byte, workers int) ([]byte, error) {
	n := int(BLAKE3Chunks(uint64(len(msg))))
	cvs := make([]byte, n*HashSize)
	if n == 1 {
		return cvs, ctx.Err()
	}
	whole := len(msg) / BLAKE3ChunkSize
	crew := newCrew(workers, func(_ context.Context, _, piece int) error {
		lo := piece * blake3Piece
		hi := min(lo+blake3Piece, whole)
		return hash.BLAKE3Chunks(cvs[lo*HashSize:hi*HashSize], msg[lo*BLAKE3ChunkSize:hi*BLAKE3ChunkSize], uint64(lo))
	})
	if err := crew.run(ctx, (whole+blake3Piece-1)/blake3Piece); err != nil {
		return nil, fmt.Errorf("merkle: BLAKE3 tree of %d chunks: %w", n, err)
	}
	if whole < n {
		cv, err := hash.BLAKE3Chunk(msg[whole*BLAKE3ChunkSize:], uint64(whole))
		if err != nil {
			return nil, fmt.Errorf("merkle: BLAKE3 tree of %d chunks: %w", n, err)
		}
		copy(cvs[whole*HashSize:], cv[:])
	}
	return cvs, nil
}

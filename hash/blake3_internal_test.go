package hash

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"
	"go.uber.org/goleak"

	"github.com/chainweir/weir/asm/blake3x"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// overLanes runs a test over the implementations of nodes that run here.
func overLanes(t *testing.T, test func(t *testing.T, lanes blake3x.Impl)) {
	for _, lanes := range blake3x.Impls() {
		t.Run(lanes.String(), func(t *testing.T) {
			if why := lanes.Unavailable(); why != "" {
				t.Skip(why)
			}
			test(t, lanes)
		})
	}
}

func randomMessage(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// TestTreeFollowsTheSpecification compares the batched tree with the recursive
// one, under another key and flags than the default mode's.
func TestTreeFollowsTheSpecification(t *testing.T) {
	all := randomMessage(1, 700*1024)
	mode := keyedBLAKE3((*[Size]byte)(all))
	var lengths []int
	for chunks := 1; chunks <= 520; chunks += 1 + chunks/8 {
		lengths = append(lengths, chunks*1024-1, chunks*1024, chunks*1024+1)
	}
	var want [][Size]byte
	for _, n := range lengths {
		want = append(want, specBLAKE3(all[:n], &mode.key, mode.flags))
	}
	overLanes(t, func(t *testing.T, lanes blake3x.Impl) {
		for i, n := range lengths {
			var got [Size]byte
			blake3Sum(&got, lanes, all[:n], &mode.key, mode.flags)
			if got != want[i] {
				t.Fatalf("%d bytes: %x, want %x", n, got, want[i])
			}
		}
	})
}

// TestSubtreeWidth holds what subtreeSplit relies on: a full subtree of 32
// chunks or more comes with exactly blake3Width values.
func TestSubtreeWidth(t *testing.T) {
	all := randomMessage(2, 1024*1024)
	var cvs [blake3Width * Size]byte
	for chunks := blake3Width; chunks <= 1024; chunks *= 2 {
		if n := subtree(bestLanes, cvs[:], all[:chunks*1024], &blake3x.IV, 0, 0); n != blake3Width {
			t.Errorf("%d chunks: %d values, want %d", chunks, n, blake3Width)
		}
	}
}

func TestParallelIsSerial(t *testing.T) {
	all := randomMessage(3, 3<<20)
	overLanes(t, func(t *testing.T, lanes blake3x.Impl) {
		for _, piece := range []int{1024, 4096, 64 * 1024} {
			for _, n := range []int{piece + 1, 2 * piece, 2*piece + 1, 3*piece - 1, 3*piece + 1024, 7 * piece, 16 * piece, 29*piece + 5} {
				want := blake3.Sum256(all[:n])
				for workers := 1; workers <= 5; workers++ {
					if got := blake3Parallel(lanes, all[:n], workers, piece); got != want {
						t.Fatalf("%d bytes, pieces of %d, %d workers: %x, want %x", n, piece, workers, got, want)
					}
				}
			}
		}
	})
	for _, n := range []int{0, 1, 1025, parallelPiece, parallelPiece + 1, 2*parallelPiece + 77, 3 << 20} {
		for workers := -1; workers <= 5; workers++ {
			if got, want := BLAKE3Parallel(all[:n], workers), blake3.Sum256(all[:n]); got != want {
				t.Errorf("%d bytes, %d workers: %x, want %x", n, workers, got, want)
			}
		}
	}
}

func TestPieceSize(t *testing.T) {
	for _, c := range []struct{ n, workers, want int }{
		{parallelPiece + 1, 2, parallelPiece},
		{1 << 20, 1024, parallelPiece},
		{32 << 20, 2, 2 << 20},
		{32<<20 - 1, 2, 1 << 20},
		{math.MaxInt/2 + 1, 4, (math.MaxInt/2 + 1) / 32}, // the largest power of two
	} {
		if got := pieceSize(c.n, c.workers); got != c.want {
			t.Errorf("%d bytes, %d workers: pieces of %d, want %d", c.n, c.workers, got, c.want)
		}
	}
}

// TestZeeboStandsIn holds the modes by zeebo, which elsewhere come into play
// only on processors without a kernel of this package's, against the tree.
func TestZeeboStandsIn(t *testing.T) {
	all := randomMessage(4, 9000)
	key := (*[Size]byte)(all)
	keyed := keyedBLAKE3(key)
	contextual := blake3Mode{contextKey(blake3x.Generic, "a context"), blake3x.DeriveKeyMaterial}
	for _, n := range []int{0, 1, 64, 1024, 1025, 9000} {
		for _, c := range []struct {
			name string
			z    zeebo
			mode blake3Mode
		}{
			{"default", zeeboDefault(), defaultBLAKE3()},
			{"keyed", zeeboKeyed(key), keyed},
			{"derive", zeeboDeriveKey("a context"), contextual},
		} {
			got, want := make([]byte, 200), make([]byte, 200)
			c.z.read(got, all[:n])
			root := messageRoot(blake3x.Generic, all[:n], &c.mode.key, c.mode.flags)
			root.read(want, blake3x.Generic, 0)
			if !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes: %x, want %x", c.name, n, got, want)
			}
		}
	}
}

// TestStreamOfManyLayers starts a stream as if much had been written already,
// to see carries run through a deep stack without hashing terabytes. What is
// compared is the digest, with the specification's parents above the layers.
func TestStreamOfManyLayers(t *testing.T) {
	for _, layers := range []uint64{1, 2, 3, 7, 8, 0b1011_0111, 1<<40 - 1, 1<<46 - 2} {
		t.Run(fmt.Sprint(layers), func(t *testing.T) {
			s := &blake3Stream{impl: bestLanes, mode: defaultBLAKE3(), done: layers * streamLayer}
			var above [][8]uint32 // values of the stack, the largest subtree first
			for bit := 63; bit >= 0; bit-- {
				if layers>>bit&1 == 1 {
					cv := [8]uint32{uint32(bit), 1, 2, 3}
					blake3x.PutWords(s.stack[s.depth*Size:], &cv)
					above = append(above, cv)
					s.depth++
				}
			}
			more := randomMessage(5, streamLayer*1024+5)
			s.write(more)
			// Two more subtrees: a layer, and the rest, which waits in the buffer.
			layer := specSubtree(more[:streamLayer*1024], &blake3x.IV, layers*streamLayer, 0, 0)
			rest := specSubtree(more[streamLayer*1024:], &blake3x.IV, (layers+1)*streamLayer, 0, 0)
			want := specCarry(above, layers, layer, rest)
			var got [Size]byte
			s.digest(&got)
			if got != want {
				t.Errorf("%x, want %x", got, want)
			}
		})
	}
}

// specCarry is the root above full subtrees, as many as layers has bits, one
// more layer, and the rest of the message.
func specCarry(above [][8]uint32, layers uint64, layer, rest [8]uint32) (digest [Size]byte) {
	parent := func(left, right [8]uint32, root uint32) [8]uint32 {
		block := [16]uint32(append(left[:], right[:]...))
		out := blake3x.CompressGeneric(&blake3x.IV, &block, 0, blake3x.BlockSize, blake3x.Parent|root)
		return [8]uint32(out[:8])
	}
	for ; layers%2 == 1; layers /= 2 {
		layer = parent(above[len(above)-1], layer, 0)
		above = above[:len(above)-1]
	}
	above = append(above, layer)
	for i := len(above) - 1; i >= 0; i-- {
		root := uint32(0)
		if i == 0 {
			root = blake3x.Root
		}
		rest = parent(above[i], rest, root)
	}
	blake3x.PutWords(digest[:], &rest)
	return digest
}

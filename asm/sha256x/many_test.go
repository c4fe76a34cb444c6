package sha256x

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// manyImpl are the three functions of one implementation.
type manyImpl struct {
	many     func(dst []byte, msgs [][]byte)
	prefixed func(dst []byte, msgs [][]byte, prefix byte)
	records  func(dst, src []byte, size int, prefix byte)
}

func TestGenericMany(t *testing.T) {
	checkMany(t, manyImpl{ManyGeneric, PrefixedGeneric, RecordsGeneric})
}

// lanesMost is the most messages a kernel here takes side by side.
const lanesMost = 32

// lengthsAround are message lengths at which the number of blocks or their
// shape changes.
var lengthsAround = []int{
	0, 1, 2, 3, 4, 31, 54, 55, 56, 57, 62, 63, 64, 65, 66, 118, 119, 120, 121, 127, 128, 129, 182, 183, 184,
	191, 192, 193, 200, 246, 247, 248, 255, 256, 257, 1000, 1023, 1024, 1025, 4096,
}

// checkMany compares an implementation with the standard library.
func checkMany(t *testing.T, f manyImpl) {
	t.Helper()
	t.Run("equal", func(t *testing.T) { checkEqualLengths(t, f) })
	t.Run("mixed", func(t *testing.T) { checkMixedLengths(t, f) })
	t.Run("long", func(t *testing.T) { checkLong(t, f) })
	t.Run("overlapping", func(t *testing.T) { checkOverlapping(t, f) })
	t.Run("unaligned", func(t *testing.T) { checkUnaligned(t, f) })
	t.Run("guarded", func(t *testing.T) { guardedMany(t, f) })
	t.Run("random", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { checkDrawn(t, f) }) })
	t.Run("allocations", func(t *testing.T) { checkAllocations(t, f) })
}

// checkEqualLengths: every length up to two blocks and longer ones around the
// places where something changes, on every number of lanes.
func checkEqualLengths(t *testing.T, f manyImpl) {
	counts := []int{0, 63, 64, 65, 100}
	for n := 1; n <= lanesMost+3; n++ {
		counts = append(counts, n)
	}
	for size := range 131 {
		for _, n := range counts {
			compareMany(t, f, equalMessages(n, size))
		}
	}
	for _, size := range lengthsAround {
		for _, n := range counts {
			compareMany(t, f, equalMessages(n, size))
		}
	}
}

func equalMessages(n, size int) [][]byte {
	all := randomBytes(uint64(size), n*size)
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = all[i*size:][:size:size]
	}
	return msgs
}

// checkMixedLengths: neighbours that end one block or many blocks apart, in
// any order, fewer and more than the pools hold.
func checkMixedLengths(t *testing.T, f manyImpl) {
	for n := 1; n <= 2*lanesMost+3; n++ {
		for step := 1; step <= 64; step += 9 {
			msgs := make([][]byte, n)
			for i := range msgs {
				msgs[i] = randomBytes(uint64(i), i*step)
			}
			compareOrders(t, f, msgs)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{100, 1000, 1023, 1024, 1025, 1100, 2500, 4096} {
		for _, most := range []int{70, 500, 2048} {
			msgs := make([][]byte, n)
			for i := range msgs {
				msgs[i] = randomBytes(uint64(i), rng.IntN(most+1))
			}
			compareOrders(t, f, msgs)
		}
	}
	for _, size := range lengthsAround {
		msgs := equalMessages(3*lanesMost, size)
		for i := range msgs {
			msgs[i] = msgs[i][:max(0, size-i%3)]
		}
		compareOrders(t, f, msgs)
	}
}

// compareOrders compares messages as they are, ascending, descending and
// shuffled.
func compareOrders(t *testing.T, f manyImpl, msgs [][]byte) {
	t.Helper()
	compareMany(t, f, msgs)
	slices.SortStableFunc(msgs, func(a, b []byte) int { return len(a) - len(b) })
	compareMany(t, f, msgs)
	slices.Reverse(msgs)
	compareMany(t, f, msgs)
	rng := rand.New(rand.NewPCG(3, uint64(len(msgs))))
	rng.Shuffle(len(msgs), func(i, j int) { msgs[i], msgs[j] = msgs[j], msgs[i] })
	compareMany(t, f, msgs)
}

// checkLong: messages that take several calls, alone, beside equally long ones
// and among short ones, so that their ends fall to different kernels.
func checkLong(t *testing.T, f manyImpl) {
	long := randomBytes(9, 1<<20+200)
	for _, count := range []int{1, 3, 8, 9, 17, 40} {
		for _, total := range []int{count, 12, 16, 33, 100} {
			msgs := make([][]byte, max(count, total))
			for i := range msgs {
				msgs[i] = long[i : i+i*37%300]
			}
			for i := range count {
				msgs[i*len(msgs)/count] = long[i : 20_000+i*3001]
			}
			compareOrders(t, f, msgs)
		}
	}
	for _, cut := range []int{0, 1, 8, 9, 55, 56, 64, 200} {
		msgs := equalMessages(1100, 200)
		for i := range 3 {
			msgs[500*i] = long[i : len(long)-cut]
		}
		compareMany(t, f, msgs)
	}
	// Ends around those of the calls' slices and around where the lanes stop.
	for _, blocks := range []int{128, 256, 512, 1024, 1025} {
		for _, change := range []int{-65, -64, -10, -9, -8, -1, 0, 1, 55, 56, 64} {
			msgs := make([][]byte, 20)
			for i := range msgs {
				size := max(0, 64*blocks+change+(i-10)*8)
				if i < 3 {
					size += 64 * (6 + i)
				}
				msgs[i] = long[i:][:size]
			}
			compareMany(t, f, msgs)
		}
	}
}

// checkOverlapping: the same message many times, and messages that share bytes.
func checkOverlapping(t *testing.T, f manyImpl) {
	src := randomBytes(4, 3000)
	for _, n := range []int{1, 5, 16, 32, 33, 70, 1030} {
		same, shifted, nested := make([][]byte, n), make([][]byte, n), make([][]byte, n)
		for i := range n {
			same[i] = src[7:207]
			shifted[i] = src[i:][:500]
			nested[i] = src[i : len(src)-i]
		}
		for _, msgs := range [][][]byte{same, shifted, nested} {
			compareMany(t, f, msgs)
		}
	}
	// No bytes at all, in all the ways there are.
	empty := make([][]byte, 70)
	for i := range empty {
		empty[i] = [][]byte{nil, {}, src[3:3], src[3000:]}[i%4]
	}
	compareMany(t, f, empty)
	for i := range empty {
		if i%5 == 0 {
			empty[i] = src[i : 10*i]
		}
	}
	compareMany(t, f, empty)
}

func checkUnaligned(t *testing.T, f manyImpl) {
	src := randomBytes(5, 70*300)
	for shift := range 65 {
		msgs := make([][]byte, 37)
		for i := range msgs {
			msgs[i] = src[shift+i*130:][:130]
		}
		compareMany(t, f, msgs)
	}
}

// checkDrawn compares a random mix of lengths in a random order.
func checkDrawn(t *rapid.T, f manyImpl) {
	size := rapid.OneOf(
		rapid.IntRange(0, 130),
		rapid.SampledFrom(lengthsAround),
		rapid.IntRange(0, 2048),
		rapid.IntRange(0, 70_000),
	)
	n := rapid.IntRange(0, 200).Draw(t, "messages")
	sizes := rapid.SliceOfN(size, n, n).Draw(t, "sizes")
	src := randomBytes(uint64(len(sizes)), 70_100)
	msgs := make([][]byte, len(sizes))
	for i, n := range sizes {
		msgs[i] = src[i%100:][:n]
	}
	if fault := differenceMany(f, msgs); fault != "" {
		t.Fatal(fault)
	}
}

func checkAllocations(t *testing.T, f manyImpl) {
	equal, mixed := equalMessages(100, 200), equalMessages(1500, 3000)
	for i := range mixed {
		mixed[i] = mixed[i][:i*97%3000]
	}
	dst, src := make([]byte, 1500*Size), make([]byte, 100*200)
	allocs := testing.AllocsPerRun(3, func() {
		f.many(dst, equal)
		f.many(dst, mixed)
		f.prefixed(dst, mixed, 0)
		f.records(dst[:100*Size], src, 200, 0)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func compareMany(t *testing.T, f manyImpl, msgs [][]byte) {
	t.Helper()
	if fault := differenceMany(f, msgs); fault != "" {
		t.Fatal(fault)
	}
}

// differenceMany hashes messages with all functions of an implementation and
// says what is wrong, if anything.
func differenceMany(f manyImpl, msgs [][]byte) string {
	if fault := differenceDigests(msgs, noByte, func(dst []byte) { f.many(dst, msgs) }); fault != "" {
		return "many: " + fault
	}
	prefixes := []int{0x00, 0x01, 0xff}
	if len(msgs) > 2*lanesMost { // one of them is enough
		prefixes = prefixes[len(msgs)%3:][:1]
	}
	for _, prefix := range prefixes {
		if fault := differenceDigests(msgs, prefix, func(dst []byte) { f.prefixed(dst, msgs, byte(prefix)) }); fault != "" {
			return "prefixed: " + fault
		}
		src, size, ok := backToBack(msgs)
		if !ok {
			continue
		}
		if fault := differenceDigests(msgs, prefix, func(dst []byte) { f.records(dst, src, size, byte(prefix)) }); fault != "" {
			return "records: " + fault
		}
	}
	return ""
}

// noByte stands for no prefix.
const noByte = -1

func differenceDigests(msgs [][]byte, prefix int, hash func(dst []byte)) string {
	const fence = 64
	all := bytes.Repeat([]byte{0xa5}, fence+len(msgs)*Size+fence)
	hash(all[fence:][:len(msgs)*Size])
	for i, msg := range msgs {
		if got, want := all[fence+i*Size:][:Size], digestOf(msg, prefix); !bytes.Equal(got, want[:]) {
			return fmt.Sprintf("%d messages, prefix %d: digest %d, of %d bytes, is %x, want %x", len(msgs), prefix, i, len(msg), got, want)
		}
	}
	for i, b := range all {
		if (i < fence || i >= fence+len(msgs)*Size) && b != 0xa5 {
			return fmt.Sprintf("%d messages: byte %d relative to dst was written", len(msgs), i-fence)
		}
	}
	return ""
}

// digestOf is the digest by the standard library.
func digestOf(msg []byte, prefix int) [Size]byte {
	if prefix == noByte {
		return sha256.Sum256(msg)
	}
	return sha256.Sum256(append([]byte{byte(prefix)}, msg...))
}

// backToBack copies messages of equal length behind each other, as records.
func backToBack(msgs [][]byte) (src []byte, size int, ok bool) {
	for _, msg := range msgs {
		if len(msg) == 0 || len(msg) != len(msgs[0]) {
			return nil, 0, false
		}
		src = append(src, msg...)
	}
	return slices.Clip(src), len(src) / max(1, len(msgs)), len(msgs) > 0
}

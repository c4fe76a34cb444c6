package hash_test

import (
	"slices"
	"testing"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
)

// force makes one implementation serve a kernel until the test ends.
func force(tb testing.TB, kernel, impl string) {
	tb.Helper()
	if err := cpu.Kernels.Override(kernel + ":" + impl); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := cpu.Kernels.Override(""); err != nil {
			tb.Error(err)
		}
	})
}

// TestNoAllocations calls every function over every implementation, on buffers
// made beforehand.
func TestNoAllocations(t *testing.T) {
	one := func(sum func([]byte) [hash.Size]byte) func() {
		msg := make([]byte, 20_000)
		return func() {
			for _, n := range []int{0, 40, 1024, 3000, 20_000} {
				sum(msg[:n])
			}
		}
	}
	pairs := func(do func(dst, src []byte) error) func() {
		src := make([]byte, 17*64)
		return func() {
			if err := do(src[:17*32], src); err != nil {
				t.Error(err)
			}
		}
	}
	many := func(do func(dst []byte, msgs [][]byte) error) func() {
		buf, dst := make([]byte, 6000), make([]byte, 40*hash.Size)
		few, equal, mixed := [][]byte{buf, buf[:55], buf[:200]}, make([][]byte, 40), make([][]byte, 40)
		for i := range mixed {
			equal[i], mixed[i] = buf[i:][:200], buf[:i*i*7919%len(buf)]
		}
		return func() {
			for _, msgs := range [][][]byte{few, equal, mixed} {
				if err := do(dst[:len(msgs)*hash.Size], msgs); err != nil {
					t.Error(err)
				}
			}
		}
	}
	records := func(size int) func() {
		src, dst := make([]byte, 2*size), make([]byte, 2*hash.Size)
		return func() {
			if err := hash.SHA256Records(dst, src, size, 0); err != nil {
				t.Error(err)
			}
		}
	}
	work := []struct {
		kernel, name string
		pooled       bool // minio's way through a sync.Pool
		run          func()
	}{
		{"sha256", "SHA256", false, one(hash.SHA256)},
		{"blake3", "BLAKE3", false, one(hash.BLAKE3)},
		{"sha256_many", "SHA256Records short", false, records(200)},
		{"sha256_many", "SHA256Records long", true, records(2500)},
		{"sha256_pairs", "SHA256Pairs", false, pairs(hash.SHA256Pairs)},
		{"sha256_nodes", "SHA256Nodes", false, pairs(hash.SHA256Nodes)},
		{"sha256d_pairs", "SHA256DPairs", false, pairs(hash.SHA256DPairs)},
		{"sha256_many", "SHA256Many", false, many(hash.SHA256Many)},
		{"sha256_many", "SHA256Leaves", true, many(hash.SHA256Leaves)},
		{"blake3_many", "BLAKE3Many", false, many(hash.BLAKE3Many)},
	}
	for _, im := range hash.Implementations() {
		for _, w := range work {
			if w.kernel != im.Kernel || im.Unavailable != "" {
				continue
			}
			t.Run(w.name+"/"+im.Name, func(t *testing.T) {
				if raceDetector && w.pooled && im.Name == "minio" {
					t.Skip("the race detector makes sync.Pool drop entries, so this one allocates")
				}
				force(t, im.Kernel, im.Name)
				if n := testing.AllocsPerRun(100, w.run); n != 0 {
					t.Errorf("%v allocations per call, want none", n)
				}
			})
		}
	}
}

// TestStackBuffersStay has the calls in the open, not behind function values,
// which alone lets the compiler keep the buffers on the stack.
func TestStackBuffersStay(t *testing.T) {
	list := slices.DeleteFunc(hash.Implementations(), func(im hash.Implementation) bool { return im.Unavailable != "" })
	for _, im := range list {
		t.Run(im.Kernel+"/"+im.Name, func(t *testing.T) {
			force(t, im.Kernel, im.Name)
			n := testing.AllocsPerRun(100, func() {
				var src [320]byte
				var dst [160]byte
				var room [200]byte
				places := [3]uint32{1, 4, 2}
				msgs := [2][]byte{src[:200], src[:64]}
				sum := hash.SHA256(src[:])
				sum = hash.BLAKE3(append(dst[:0], sum[:]...))
				errs := [...]error{
					hash.SHA256Pairs(dst[:], src[:]),
					hash.SHA256Nodes(dst[:], src[:]),
					hash.SHA256DPairs(dst[:], src[:]),
					hash.SHA256Many(dst[:64], msgs[:]),
					hash.SHA256Leaves(dst[:64], msgs[:]),
					hash.SHA256Records(dst[:64], src[:], 160, sum[0]),
					hash.SHA256PairsPicked(dst[:], src[:], places[:], room[:]),
					hash.SHA256RecordsPicked(dst[:], src[:], 64, sum[0], places[:], room[:]),
					hash.BLAKE3Many(dst[:64], msgs[:]),
				}
				for _, err := range errs {
					if err != nil {
						t.Error(err)
					}
				}
			})
			if n != 0 {
				t.Errorf("%v allocations per round, want none: a buffer escaped", n)
			}
		})
	}
}

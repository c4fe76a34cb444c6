package hash

import (
	"bytes"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/chainweir/weir/asm/cpu"
)

func TestKernelsAreInOrder(t *testing.T) {
	var names []string
	for _, k := range cpu.Kernels.All() {
		names = append(names, k.Name())
	}
	want := []string{
		"sha256", "sha256_stream", "sha256_pairs", "sha256_nodes", "sha256d_pairs", "sha256_many", "sha256_many_long",
		"blake3", "blake3_many", "blake3_chunks", "blake3_parents",
	}
	if !slices.Equal(names, want) {
		t.Errorf("registered %q, want %q", names, want)
	}
	var listed []string
	for _, im := range Implementations() {
		listed = append(listed, im.Kernel)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return name == "sha256_many_long" })
	if listed = slices.Compact(listed); !slices.Equal(listed, want) {
		t.Errorf("implementations are listed for %q, want %q", listed, want)
	}
}

// TestUnavailableHasNoFunctions: calling one would be an illegal instruction.
func TestUnavailableHasNoFunctions(t *testing.T) {
	for _, im := range Implementations() {
		functions := 0
		for _, field := range reflect.ValueOf(im).Fields() {
			if field.Kind() == reflect.Func && !field.IsNil() {
				functions++
			}
		}
		if (functions == 0) != (im.Unavailable != "") {
			t.Errorf("%s:%s has %d functions; unavailable: %q", im.Kernel, im.Name, functions, im.Unavailable)
		}
	}
}

// TestMeanwhileIsNotTheSlowest: what serves during a measurement is never the
// plain Go of a specification where there is anything else.
func TestMeanwhileIsNotTheSlowest(t *testing.T) {
	for _, k := range cpu.Kernels.All() {
		impls := k.Impls()
		others := slices.ContainsFunc(impls, func(i cpu.Impl) bool { return i.Unavailable == "" && i.Name != "generic" })
		got := impls[meanwhile(impls)]
		if got.Unavailable != "" || others && got.Name == "generic" {
			t.Errorf("%s: %s (unavailable: %q) serves meanwhile", k.Name(), got.Name, got.Unavailable)
		}
	}
}

// spy puts a kernel of the same implementations in the place of k until the
// test ends. It says which one is best, and calls during, if not nil, while it
// is measured. asked tells whether it was.
func spy(t *testing.T, k **cpu.Kernel, best int, during func()) (asked func() bool) {
	t.Helper()
	var once sync.Once
	measured := false
	old, impls := *k, (*k).Impls()
	*k = cpu.NewRegistry(func(string) string { return "" }).Register(cpu.Spec{
		Name: old.Name(), Unit: old.Unit(), Impls: impls, Ladder: []int{1}, Meanwhile: meanwhile(impls),
		Prepare: func(int) func(int) {
			measured = true
			if during != nil {
				once.Do(during)
			}
			slow := make([]byte, 1<<20)
			return func(impl int) {
				if impl != best {
					patterned(len(slow))
				}
			}
		},
	})
	t.Cleanup(func() { *k = old })
	return func() bool { return measured }
}

func TestLongMessagesHaveKernelsOfTheirOwn(t *testing.T) {
	message := func(n int) [][]byte { return [][]byte{make([]byte, n)} }
	records := func(n int) func() error {
		return func() error { return SHA256Records(make([]byte, Size), make([]byte, n), n, 0) }
	}
	many := func(do func([]byte, [][]byte) error, msgs [][]byte) func() error {
		return func() error { return do(make([]byte, len(msgs)*Size), msgs) }
	}
	for name, c := range map[string]struct {
		kernel **cpu.Kernel
		call   func() error
		asked  bool
	}{
		"SHA256Many of none":          {&kernelManyLong, many(SHA256Many, nil), false},
		"SHA256Many of 511 bytes":     {&kernelManyLong, many(SHA256Many, message(511)), false},
		"SHA256Many of 512 bytes":     {&kernelManyLong, many(SHA256Many, message(512)), true},
		"SHA256Many of 0 and 1 KiB":   {&kernelManyLong, many(SHA256Many, append(message(0), message(1024)...)), true},
		"SHA256Many, long at the end": {&kernelManyLong, many(SHA256Many, append(slices.Repeat(message(0), meanSample), message(1<<20)...)), false},
		"SHA256Leaves of 511 bytes":   {&kernelManyLong, many(SHA256Leaves, message(511)), false},
		"SHA256Leaves of 512 bytes":   {&kernelManyLong, many(SHA256Leaves, message(512)), true},
		"SHA256Records of 511 bytes":  {&kernelManyLong, records(511), false},
		"SHA256Records of 512 bytes":  {&kernelManyLong, records(512), true},
		"short with the long kernel":  {&kernelMany, many(SHA256Many, message(512)), false},
		"BLAKE3Many of 1 KiB":         {&kernelBLAKE3, many(BLAKE3Many, message(1024)), false},
		"BLAKE3Many of more":          {&kernelBLAKE3, many(BLAKE3Many, append(message(3), message(1025)...)), true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := spy(t, c.kernel, 0, nil)
			if err := c.call(); err != nil {
				t.Fatal(err)
			}
			if asked() != c.asked {
				t.Errorf("%s was asked: %v, want %v", (*c.kernel).Name(), asked(), c.asked)
			}
		})
	}
}

func TestDispatchedNamesTheKernelOfTheLength(t *testing.T) {
	if err := cpu.Kernels.Override("sha256_many:generic,sha256_many_long:std,blake3_many:zeebo,blake3:generic,sha256_pairs:generic"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cpu.Kernels.Override(""); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		kernel  string
		n, size int
		want    string
	}{
		{"sha256_many", 3, longMean - 1, "generic"},
		{"sha256_many", 3, longMean, "std"},
		{"blake3_many", 3, BLAKE3ChunkSize, "zeebo"},
		{"blake3_many", 3, BLAKE3ChunkSize + 1, "generic"},
		{"sha256_pairs", 3, pairSize, "generic"},
		{"sha3", 3, 64, ""},
	} {
		if got := Dispatched(c.kernel, c.n, c.size); got != c.want {
			t.Errorf("%s for %d of %d bytes: %q, want %q", c.kernel, c.n, c.size, got, c.want)
		}
	}
}

// TestStreamsAndLargeCallsWait begins a stream and a large call while their
// kernel is being measured: they use what the measurement chooses.
func TestStreamsAndLargeCallsWait(t *testing.T) {
	want := BLAKE3([]byte{1})
	var wg sync.WaitGroup
	var h *BLAKE3Hasher
	var small, large int
	spy(t, &kernelBLAKE3, implGeneric, func() {
		small = pickBLAKE3(settleBytes - 1)
		wg.Go(func() { h = NewBLAKE3() })
		wg.Go(func() { large = pickBLAKE3(settleBytes) })
	})
	BLAKE3(nil) // measures
	wg.Wait()
	if small != meanwhile(kernelBLAKE3.Impls()) {
		t.Errorf("a small call during the measurement got implementation %d, want %d", small, meanwhile(kernelBLAKE3.Impls()))
	}
	if large != implGeneric {
		t.Errorf("a large call during the measurement got implementation %d, want the measured %d", large, implGeneric)
	}
	if h.own == nil || h.own.impl != lanesOf(implGeneric) {
		t.Error("a stream begun during the measurement does not use the measured implementation")
	}
	h.Write([]byte{1})
	if got := h.Sum(nil); !bytes.Equal(got, want[:]) {
		t.Errorf("digest %x of the stream, want %x", got, want)
	}
}

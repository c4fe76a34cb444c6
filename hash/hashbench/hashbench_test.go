package hashbench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/hash"
)

// quick is the smallest plan over all kernels.
var quick = Plan{Sizes: []int{65}, Counts: []int{3}}

func TestEveryAvailableImplementationGetsAVerifiedRow(t *testing.T) {
	var seen []string
	rows, err := Run(t.Context(), quick, func(kernel string, n, size int) { seen = append(seen, kernel) })
	if err != nil {
		t.Fatal(err)
	}
	if err := Unverified(rows); err != nil {
		t.Error(err)
	}
	chosen := map[string]int{}
	for _, r := range rows {
		if r.NSPerOp <= 0 || r.BytesPerSec <= 0 || r.MedianNSPerOp < r.NSPerOp || r.Samples < minSamples {
			t.Errorf("impossible figures in %+v", r)
		}
		if r.Chosen {
			chosen[r.Kernel]++
		}
	}
	for _, im := range hash.Implementations() {
		has := slices.ContainsFunc(rows, func(r Row) bool { return r.Kernel == im.Kernel && r.Impl == im.Name })
		if has != (im.Unavailable == "") {
			t.Errorf("%s:%s has a row: %v; unavailable: %q", im.Kernel, im.Name, has, im.Unavailable)
		}
		if chosen[im.Kernel] != 1 {
			t.Errorf("%s: %d implementations chosen at one size, want 1", im.Kernel, chosen[im.Kernel])
		}
		if !slices.Contains(seen, im.Kernel) {
			t.Errorf("no progress was reported for %s", im.Kernel)
		}
	}
}

// TestWrongDigestsAreSeen times implementations that are wrong in one call of
// a sample, or in one digest of a batch.
func TestWrongDigestsAreSeen(t *testing.T) {
	for _, kernel := range kernelNames(hash.Implementations()) {
		t.Run(kernel, func(t *testing.T) {
			list := slices.DeleteFunc(hash.Implementations(), func(im hash.Implementation) bool {
				return im.Kernel != kernel || im.Unavailable != ""
			})
			rows, err := runOver(t.Context(), Plan{Sizes: nonPair(list[0]), Counts: batch(list[0])}, []hash.Implementation{wrongAtTimes(list[0])}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := Unverified(rows); !errors.Is(err, ErrWrongDigest) || !strings.Contains(err.Error(), kernel) {
				t.Errorf("error %v, want %v naming %s", err, ErrWrongDigest, kernel)
			}
		})
	}
}

func nonPair(im hash.Implementation) []int {
	if im.Pairs != nil {
		return nil
	}
	return []int{64}
}

func batch(im hash.Implementation) []int {
	if im.One != nil {
		return nil
	}
	return []int{5}
}

// wrongAtTimes spoils a bit in every fourth call: the least that a cell makes,
// on a machine however slow, is minSamples.
func wrongAtTimes(im hash.Implementation) hash.Implementation {
	calls := 0
	bad := func() bool { calls++; return calls%4 == 3 }
	if good := im.One; good != nil {
		im.One = func(msg []byte) [hash.Size]byte {
			d := good(msg)
			if bad() {
				d[31] ^= 1
			}
			return d
		}
	}
	if good := im.Pairs; good != nil {
		im.Pairs = func(dst, src []byte) error {
			err := good(dst, src)
			if bad() {
				dst[len(dst)-1] ^= 1
			}
			return err
		}
	}
	if good := im.Chunks; good != nil {
		im.Chunks = func(dst, src []byte, counter uint64) error {
			err := good(dst, src, counter)
			if bad() {
				dst[len(dst)/2] ^= 1
			}
			return err
		}
	}
	if good := im.Many; good != nil {
		im.Many = func(dst []byte, msgs [][]byte) error {
			err := good(dst, msgs)
			if bad() {
				dst[0] ^= 1
			}
			return err
		}
	}
	return im
}

func TestKernelWithoutReferenceIsNotVerified(t *testing.T) {
	im := hash.Implementation{Kernel: "sha3", Name: "std", One: hash.SHA256}
	in := newInput(1, 64)
	if d := im.One(in.src); in.verify(im, d[:]) {
		t.Error("a kernel without a reference counts as verified")
	}
}

func TestPlanRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		plan Plan
		text string
	}{
		"unknown kernel":      {Plan{Kernels: []string{"sha3"}}, `no kernel "sha3"; there are sha256,`},
		"negative size":       {Plan{Sizes: []int{-1}}, "message size -1"},
		"huge size":           {Plan{Sizes: []int{MaxSize + 1}}, "16777217"},
		"no items":            {Plan{Counts: []int{0}}, "batch of 0"},
		"too many items":      {Plan{Counts: []int{MaxCount + 1}}, "1048577"},
		"too much memory":     {Plan{Sizes: []int{MaxSize}, Counts: []int{100}}, "lower the count"},
		"size of pairs":       {Plan{Kernels: []string{"sha256_pairs"}, Sizes: []int{100}}, "always 64 bytes"},
		"count of one":        {Plan{Kernels: []string{"sha256"}, Counts: []int{2}}, "hash one message"},
		"too many to measure": {Plan{Sizes: slices.Repeat([]int{1}, 5000)}, "combinations"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := Run(t.Context(), c.plan, nil)
			if !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v saying %q", err, ErrPlan, c.text)
			}
			if len(rows) != 0 {
				t.Errorf("%d rows in spite of the error", len(rows))
			}
		})
	}
}

func TestCancelKeepsFinishedCells(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cells := 0
	rows, err := Run(ctx, quick, func(string, int, int) {
		if cells++; cells == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if got := len(slices.Compact(kernelsOf(rows))); got != 2 {
		t.Errorf("rows of %d cells, want those of the 2 finished ones", got)
	}
}

func kernelsOf(rows []Row) []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Kernel)
	}
	return names
}

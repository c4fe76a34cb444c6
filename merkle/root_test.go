package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/hash"
)

// The eight leaves and the roots of their first 1 to 8, known from RFC 6962
// implementations since Certificate Transparency began.
var (
	knownLeaves = []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	knownRoots = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

func TestKnownRFC6962Roots(t *testing.T) {
	var leaves [][]byte
	b := NewBuilder(RFC6962, 1)
	for n, want := range knownRoots {
		if n > 0 {
			leaves = append(leaves, unhex(t, knownLeaves[n-1]))
		}
		got, err := b.Root(leaves)
		if err != nil || got != unhexHash(t, want) {
			t.Errorf("root of %d leaves: got %x, %v; want %s", n, got, err, want)
		}
	}
}

func TestEmptyRoot(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, in := range []Input{Leaves(nil), Nodes(nil), Records(nil, 32)} {
			got, err := Root(context.Background(), s, in, 0)
			if err != nil || got != specRoot(s, nil) || got != s.EmptyRoot() {
				t.Errorf("got %x, %v; want %x", got, err, specRoot(s, nil))
			}
		}
	})
}

// Every size, whole and cut into tiny pieces, on one, two and eight workers,
// from separate leaves, from records and from nodes, and as a whole tree.
func TestRootMatchesSpecification(t *testing.T) {
	t.Parallel()
	eachScheme(t, func(t *testing.T, s *Scheme) {
		builders := map[string]*Builder{}
		for _, workers := range []int{1, 2, 8} {
			builders[fmt.Sprintf("%d workers", workers)] = NewBuilder(s, workers)
			builders[fmt.Sprintf("%d workers, tiny pieces", workers)] = newTinyBuilder(s, workers)
		}
		for n := range everySize(300) + 1 {
			leaves := someLeaves(s, n)
			want := specRoot(s, leaves)
			nodes := levelZero(t, s, leaves)
			for name, b := range builders {
				if got, err := b.Root(leaves); err != nil || got != want {
					t.Fatalf("%d leaves, %s: got %x, %v; want %x", n, name, got, err, want)
				}
				before := bytes.Clone(nodes)
				got, err := b.RootOf(context.Background(), Nodes(nodes))
				if err != nil || got != want {
					t.Fatalf("%d nodes, %s: got %x, %v; want %x", n, name, got, err, want)
				}
				if !bytes.Equal(nodes, before) {
					t.Fatalf("%d nodes, %s: the caller's nodes were written to", n, name)
				}
			}
			tree, err := build(context.Background(), s, Leaves(leaves), 1+n%3, tinyPieces)
			if err != nil || tree.Root() != want || tree.Size() != uint64(n) {
				t.Fatalf("tree of %d leaves: %v, %v", n, tree, err)
			}
		}
	})
}

func levelZero(t *testing.T, s *Scheme, leaves [][]byte) []byte {
	t.Helper()
	var nodes []byte
	for _, leaf := range leaves {
		h, err := s.HashLeaf(leaf)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, h[:]...)
	}
	return nodes
}

func TestRootRandomLeaves(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		two, eight := newTinyBuilder(s, 2), newTinyBuilder(s, 8)
		rapid.Check(t, func(t *rapid.T) {
			one := rapid.SliceOfN(rapid.Byte(), 0, 300)
			if s.LeavesAreNodes() {
				one = rapid.SliceOfN(rapid.Byte(), HashSize, HashSize)
			}
			leaves := rapid.SliceOfNDistinct(one, 0, 300, func(b []byte) string { return string(b) }).Draw(t, "leaves")
			want := specRoot(s, leaves)
			for _, b := range []*Builder{NewBuilder(s, 1), two, eight} {
				if got, err := b.Root(leaves); err != nil || got != want {
					t.Fatalf("got %x, %v; want %x", got, err, want)
				}
			}
		})
	})
}

// Sizes around the real limits of pieces, where several are folded together.
func TestRootLargeTrees(t *testing.T) {
	t.Parallel()
	z := defaultSizes
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{
			z.min - 1, z.parallel - 1, z.parallel, z.parallel + 1, 4*z.min + 1, 5000,
			z.max - 1, z.max, z.max + 1, 2*z.max + 77, 3*z.max - 1,
		} {
			if testing.Short() && n > 5000 && s != RFC6962 {
				continue
			}
			leaves := someLeaves(s, n)
			want := specRoot(s, leaves)
			for _, workers := range []int{1, 2, 8} {
				got, err := Root(context.Background(), s, Leaves(leaves), workers)
				if err != nil || got != want {
					t.Errorf("%d leaves, %d workers: got %x, %v; want %x", n, workers, got, err, want)
				}
				tree, err := Build(context.Background(), s, Leaves(leaves), workers)
				if err != nil || tree.Root() != want {
					t.Errorf("tree of %d leaves, %d workers: %v", n, workers, err)
				}
			}
		}
	})
}

func TestRootRecords(t *testing.T) {
	for _, size := range []int{1, 32, 54, 55, 56, 64, 119, 200} {
		for _, n := range []int{0, 1, 2, 3, 17, 65, 300} {
			src := make([]byte, n*size)
			rng := rand.New(rand.NewPCG(uint64(size), uint64(n)))
			var leaves [][]byte
			for i := range src {
				src[i] = byte(rng.Uint32())
			}
			for i := range n {
				leaves = append(leaves, src[i*size:(i+1)*size])
			}
			for _, b := range []*Builder{NewBuilder(RFC6962, 1), newTinyBuilder(RFC6962, 3)} {
				got, err := b.RootRecords(src, size)
				if err != nil || got != specRFC6962(leaves) {
					t.Errorf("%d records of %d bytes: got %x, %v", n, size, got, err)
				}
			}
			if size == HashSize {
				got, err := NewBuilder(Bitcoin, 1).RootRecords(src, size)
				if err != nil || got != specBitcoin(leaves) {
					t.Errorf("bitcoin, %d records: got %x, %v", n, got, err)
				}
			}
		}
	}
}

// Leaves whose bytes do not fit one batch between two looks at the context.
func TestRootHugeLeaves(t *testing.T) {
	leaves := [][]byte{
		bytes.Repeat([]byte{1}, hashBatchBytes/2), bytes.Repeat([]byte{2}, hashBatchBytes/2+1),
		bytes.Repeat([]byte{3}, hashBatchBytes+1), {4}, {5},
	}
	got, err := NewBuilder(RFC6962, 2).Root(leaves)
	if err != nil || got != specRFC6962(leaves) {
		t.Errorf("got %x, %v", got, err)
	}
	flat := bytes.Join(leaves[:2], nil)[:hashBatchBytes]
	got, err = NewBuilder(RFC6962, 2).RootRecords(flat, hashBatchBytes/2)
	if err != nil || got != specRFC6962([][]byte{flat[:len(flat)/2], flat[len(flat)/2:]}) {
		t.Errorf("records: got %x, %v", got, err)
	}
}

func TestInputErrors(t *testing.T) {
	ctx := context.Background()
	mixed := someLeaves(Bitcoin, 40)
	mixed[3], mixed[37] = mixed[3][:31], append(mixed[37], 0)
	for name, tc := range map[string]struct {
		scheme *Scheme
		in     Input
		want   error
	}{
		"no scheme":         {nil, Leaves(nil), ErrScheme},
		"zero scheme":       {&Scheme{}, Leaves(nil), ErrScheme},
		"bitcoin leaf":      {Bitcoin, Leaves(mixed), ErrLeafSize},
		"bitcoin record":    {Bitcoin, Records(make([]byte, 66), 33), ErrLeafSize},
		"record size 0":     {RFC6962, Records(nil, 0), ErrLeafSize},
		"record size -1":    {RFC6962, Records([]byte{1}, -1), ErrLeafSize},
		"ssz chunk":         {SSZ, Leaves(mixed), ErrLeafSize},
		"ssz record":        {SSZ, Records(make([]byte, 66), 33), ErrLeafSize},
		"ssz limit 0":       {SSZLimit(0), Nodes(make([]byte, 32)), ErrLimit},
		"ssz limit 39":      {SSZLimit(39), Leaves(mixed), ErrLimit},
		"half a record":     {RFC6962, Records(make([]byte, 201), 200), ErrLeafSize},
		"half a node":       {RFC6962, Nodes(make([]byte, 48)), ErrLeafSize},
		"bitcoin half node": {Bitcoin, Nodes(make([]byte, 31)), ErrLeafSize},
	} {
		for _, workers := range []int{1, 8} {
			b := newTinyBuilder(tc.scheme, workers)
			if got, err := b.RootOf(ctx, tc.in); !errors.Is(err, tc.want) || got != (Hash{}) {
				t.Errorf("%s: root %x, %v; want %v", name, got, err, tc.want)
			}
			if _, _, err := b.Path(ctx, tc.in, 0); !errors.Is(err, tc.want) {
				t.Errorf("%s: path: %v; want %v", name, err, tc.want)
			}
			if tree, err := build(ctx, tc.scheme, tc.in, workers, tinyPieces); !errors.Is(err, tc.want) || tree != nil {
				t.Errorf("%s: tree %v, %v; want %v", name, tree, err, tc.want)
			}
		}
	}
	// Of several bad leaves the first is named, whatever the workers do.
	for range 50 {
		_, err := newTinyBuilder(Bitcoin, 8).Root(mixed)
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("leaf 3:")) {
			t.Fatalf("got %v; want leaf 3 named", err)
		}
	}
	var zero Builder
	if _, err := zero.Root(nil); !errors.Is(err, ErrScheme) {
		t.Errorf("zero Builder: %v", err)
	}
}

func TestCancel(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		leaves := someLeaves(s, 100)
		for _, workers := range []int{1, 4} {
			if _, err := newTinyBuilder(s, workers).RootOf(ctx, Leaves(leaves)); !errors.Is(err, context.Canceled) {
				t.Errorf("root: %v", err)
			}
			if _, err := Build(ctx, s, Leaves(leaves), workers); !errors.Is(err, context.Canceled) {
				t.Errorf("tree: %v", err)
			}
		}
	})
}

// A cancellation in the middle stops the pieces that nobody has begun.
func TestCancelMidway(t *testing.T) {
	for _, workers := range []int{1, 3} {
		ctx, cancel := context.WithCancel(context.Background())
		begun := make(chan int, 1000)
		c := newCrew(workers, func(_ context.Context, _, piece int) error {
			begun <- piece
			cancel()
			return nil
		})
		if err := c.run(ctx, 1000); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: got %v", workers, err)
		}
		if n := len(begun); n > workers {
			t.Errorf("%d workers: %d pieces were begun after the first cancelled", workers, n)
		}
		cancel()
	}
}

func TestBuilderIsReusable(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		b := newTinyBuilder(s, 4)
		for _, n := range []int{300, 0, 1, 299, 2, 64, 65, 300} {
			leaves := someLeaves(s, n)
			if got, err := b.Root(leaves); err != nil || got != specRoot(s, leaves) {
				t.Fatalf("%d leaves: got %x, %v", n, got, err)
			}
		}
		if b.job.in.leaves != nil || b.job.in.flat != nil {
			t.Error("the builder keeps the caller's leaves")
		}
	})
}

func TestBuilderConcurrentUse(t *testing.T) {
	b := newTinyBuilder(RFC6962, 2)
	done := make(chan error)
	for g := range 4 {
		go func() {
			leaves := someLeaves(RFC6962, 50+g)
			want := specRFC6962(leaves)
			for range 50 {
				if got, err := b.Root(leaves); err != nil || got != want {
					done <- fmt.Errorf("%d leaves: got %x, %v", len(leaves), got, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSchemeByName(t *testing.T) {
	for _, s := range Schemes() {
		if got, err := SchemeByName(s.Name()); err != nil || got != s {
			t.Errorf("%s: got %v, %v", s.Name(), got, err)
		}
	}
	for _, name := range []string{"RFC6962", "", "ssz:", "ssz:-1", "ssz:+1", "ssz:01", "ssz: 1", "ssz:1.0", "ssz:0x1",
		"ssz:1_0", "ssz:18446744073709551616", "bitcoin:1"} {
		if s, err := SchemeByName(name); !errors.Is(err, ErrScheme) || s != nil {
			t.Errorf("%q: got %v, %v", name, s, err)
		}
	}
}

func TestHashLeaves(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		leaves := someLeaves(s, 100)
		dst := make([]byte, len(leaves)*HashSize)
		if err := s.HashLeaves(dst, leaves); err != nil || !bytes.Equal(dst, levelZero(t, s, leaves)) {
			t.Errorf("got %v, or other hashes than HashLeaf", err)
		}
		if err := s.HashLeaves(dst[1:], leaves); !errors.Is(err, ErrLeafSize) {
			t.Errorf("short dst: %v", err)
		}
	})
	if err := Bitcoin.HashLeaves(make([]byte, 32), [][]byte{{1}}); !errors.Is(err, ErrLeafSize) {
		t.Errorf("short bitcoin leaf: %v", err)
	}
	if _, err := (*Scheme)(nil).HashLeaf(nil); !errors.Is(err, ErrScheme) {
		t.Errorf("nil scheme: %v", err)
	}
	for _, s := range Schemes() {
		for _, lengths := range [][2]int{{32, 63}, {32, 65}, {31, 64}, {64, 64}, {0, 64}, {32, 0}} {
			if err := s.HashNodes(make([]byte, lengths[0]), make([]byte, lengths[1])); !errors.Is(err, hash.ErrLength) {
				t.Errorf("%s, %d bytes of nodes from %d: %v", s.Name(), lengths[0], lengths[1], err)
			}
		}
	}
	if err := (*Scheme)(nil).HashNodes(nil, nil); !errors.Is(err, ErrScheme) {
		t.Errorf("nil scheme: %v", err)
	}
}

package merkle

import (
	"context"
	"testing"
)

func allocs(t *testing.T, what string, run func()) {
	t.Helper()
	if raceDetector {
		t.Skip("the race detector makes sync.Pool, which kernels may use, drop entries and allocate")
	}
	run() // the first call may grow buffers
	if got := testing.AllocsPerRun(20, run); got != 0 {
		t.Errorf("%s: %v allocations", what, got)
	}
}

func TestRootAllocatesNothing(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		for _, n := range []int{0, 1, 7, 1000, everySize(9000)} {
			leaves := someLeaves(s, n)
			records := make([]byte, n*HashSize)
			for i := range n {
				copy(records[i*HashSize:], leaves[i])
			}
			for _, workers := range []int{1, 2} {
				b := NewBuilder(s, workers)
				allocs(t, "Root", func() {
					if _, err := b.Root(leaves); err != nil {
						t.Fatal(err)
					}
				})
				allocs(t, "RootRecords", func() {
					if _, err := b.RootRecords(records, HashSize); err != nil && s == RFC6962 {
						t.Fatal(err)
					}
				})
			}
		}
	})
}

func TestVerifyAllocatesNothing(t *testing.T) {
	eachScheme(t, func(t *testing.T, s *Scheme) {
		leaves := someLeaves(s, 1000)
		p, err := NewBuilder(s, 1).Proof(context.Background(), leaves, 777)
		if err != nil {
			t.Fatal(err)
		}
		allocs(t, "VerifyInclusion", func() {
			if err := VerifyInclusion(s, p.Root, p.Leaf, p.Index, p.Size, p.Path); err != nil {
				t.Fatal(err)
			}
		})
	})
	leaves := someLeaves(RFC6962, 1000)
	tree, err := Build(context.Background(), RFC6962, Leaves(leaves), 1)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tree.ConsistencyPath(555)
	if err != nil {
		t.Fatal(err)
	}
	root1, root2 := specRFC6962(leaves[:555]), tree.Root()
	allocs(t, "VerifyConsistency", func() {
		if err := VerifyConsistency(RFC6962, 555, 1000, root1, root2, path); err != nil {
			t.Fatal(err)
		}
	})
}

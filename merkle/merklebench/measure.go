package merklebench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/chainweir/weir/merkle"
)

// tree is one list of leaves with all that is needed to time its root.
type tree struct {
	scheme    *merkle.Scheme
	n         int
	leafBytes int
	prehashed bool
	input     merkle.Input
	batch     [][]byte // leaves for the leaf kernel
	want      merkle.Hash
	nodes     int
	kernel    kernel
}

// Sizes of a sample: long enough for the clock, short enough that many fit.
const (
	sampleNS    = 500_000
	kernelPairs = 4096
	leafBatch   = 2048
)

// newTree makes the leaves and computes the root over crypto/sha256.
func newTree(s *merkle.Scheme, n, leafBytes int, prehashed bool) (*tree, error) {
	ref, err := referenceFor(s)
	if err != nil {
		return nil, err
	}
	if prehashed {
		leafBytes = merkle.HashSize
	}
	flat := make([]byte, n*leafBytes)
	leaves := make([][]byte, n)
	layer := make([]merkle.Hash, n)
	for i := range leaves {
		leaves[i] = flat[i*leafBytes : (i+1)*leafBytes : (i+1)*leafBytes]
		fill(leaves[i], uint64(i))
		if prehashed {
			layer[i] = merkle.Hash(leaves[i])
		} else {
			layer[i] = ref.leaf(leaves[i])
		}
	}
	t := &tree{scheme: s, n: n, leafBytes: leafBytes, prehashed: prehashed, input: merkle.Leaves(leaves)}
	if prehashed {
		t.input = merkle.Nodes(flat)
	}
	t.batch = leaves[:min(n, leafBatch)]
	t.want, t.nodes = ref.root(layer)
	t.kernel = newKernel(s, ref)
	return t, nil
}

// fill writes bytes that differ from leaf to leaf; hashing takes the same time
// whatever they are.
func fill(leaf []byte, i uint64) {
	var b [8]byte
	for at := 0; at < len(leaf); at += copy(leaf[at:], b[:]) {
		binary.LittleEndian.PutUint64(b[:], (i+1)*0x9e3779b97f4a7c15+uint64(at))
	}
}

// kernel is the scheme's node kernel with a batch of pairs and the answer.
type kernel struct {
	scheme         *merkle.Scheme
	src, dst, want []byte
}

func newKernel(s *merkle.Scheme, ref reference) kernel {
	k := kernel{
		scheme: s,
		src:    make([]byte, kernelPairs*2*merkle.HashSize),
		dst:    make([]byte, kernelPairs*merkle.HashSize),
	}
	fill(k.src, 7)
	for at := 0; at < len(k.src); at += 2 * merkle.HashSize {
		node := ref.pair(merkle.Hash(k.src[at:]), merkle.Hash(k.src[at+merkle.HashSize:]))
		k.want = append(k.want, node[:]...)
	}
	return k
}

// sample returns the nanoseconds per pair of one batch.
func (k kernel) sample() (float64, error) {
	clear(k.dst)
	begin := time.Now()
	err := k.scheme.HashNodes(k.dst, k.src)
	ns := time.Since(begin).Nanoseconds()
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(k.dst, k.want) {
		return 0, fmt.Errorf("%w: the %s node kernel does not agree with crypto/sha256; set WEIR_IMPL to another implementation",
			ErrWrongRoot, k.scheme.Name())
	}
	return float64(ns) / kernelPairs, nil
}

// arm is a builder under the clock.
type arm struct {
	builder *merkle.Builder
	workers int
	times   int // roots per sample
	ns      []float64
}

// measure times roots for every number of workers in turns with the kernels.
func (t *tree) measure(ctx context.Context, workers []int, budget time.Duration) ([]Row, error) {
	var arms []*arm
	for _, w := range workers {
		a := &arm{builder: merkle.NewBuilder(t.scheme, w), workers: w, times: 1}
		ns, err := t.sample(ctx, a) // warms caches and buffers up; not counted
		if err != nil {
			return nil, err
		}
		a.times = int(max(1, sampleNS/max(1, ns)))
		arms = append(arms, a)
	}
	if _, err := t.kernel.sample(); err != nil {
		return nil, err
	}
	var pairNS, leafNS []float64
	begin := time.Now()
	for round := 0; round < minRounds || round < maxRounds && time.Since(begin) < budget; round++ {
		ns, err := t.kernel.sample()
		if err != nil {
			return nil, err
		}
		pairNS = append(pairNS, ns)
		if ns, err = t.sampleLeaves(); err != nil {
			return nil, err
		}
		leafNS = append(leafNS, ns)
		for _, a := range arms {
			if ns, err = t.sample(ctx, a); err != nil {
				return nil, err
			}
			a.ns = append(a.ns, ns)
		}
	}
	rows := make([]Row, 0, len(arms))
	for _, a := range arms {
		rows = append(rows, t.row(a, median(pairNS), median(leafNS)))
	}
	return rows, nil
}

// sample returns the nanoseconds per root, all of which must be right.
func (t *tree) sample(ctx context.Context, a *arm) (float64, error) {
	begin := time.Now()
	for range a.times {
		got, err := a.builder.RootOf(ctx, t.input)
		if err != nil {
			return 0, err
		}
		if got != t.want {
			return 0, fmt.Errorf("%w: %s root of %d leaves with %d workers is %x, crypto/sha256 says %x; set WEIR_IMPL to another implementation",
				ErrWrongRoot, t.scheme.Name(), t.n, a.workers, got, t.want)
		}
	}
	return float64(time.Since(begin).Nanoseconds()) / float64(a.times), nil
}

// sampleLeaves returns the leaf kernel's nanoseconds per leaf.
func (t *tree) sampleLeaves() (float64, error) {
	if t.prehashed {
		return 0, nil
	}
	dst := t.kernel.dst[:len(t.batch)*merkle.HashSize]
	begin := time.Now()
	err := t.scheme.HashLeaves(dst, t.batch)
	return float64(time.Since(begin).Nanoseconds()) / float64(len(t.batch)), err
}

func (t *tree) row(a *arm, pairNS, leafNS float64) Row {
	r := Row{
		Scheme:      t.scheme.Name(),
		Leaves:      t.n,
		LeafBytes:   t.leafBytes,
		Prehashed:   t.prehashed,
		Workers:     a.workers,
		NSPerRoot:   median(a.ns),
		Nodes:       t.nodes,
		NSPerPair:   pairNS,
		FloorNS:     float64(t.nodes) * pairNS,
		LeafFloorNS: float64(t.n) * leafNS,
		Rounds:      len(a.ns),
		Verified:    true,
	}
	r.FloorRatio = r.NSPerRoot / r.FloorNS
	r.FullRatio = r.NSPerRoot / (r.FloorNS + r.LeafFloorNS)
	return r
}

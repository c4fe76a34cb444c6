package merklefield

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/merkle"
)

// forgedEvery is how many proofs apart the forged ones are: a verifier that
// accepts everything must not win.
const forgedEvery = 625

// inclusion is one proof, in the shapes of both libraries.
type inclusion struct {
	leafHash merkle.Hash
	index    uint64
	path     []merkle.Hash
	slices   [][]byte // the same memory
}

// proofs are inclusion proofs in one tree of size leaves, some of them forged.
type proofs struct {
	size uint64
	root merkle.Hash
	list []inclusion
	want []byte // 1 for each that holds, else 0

	verifier *merkle.Verifier
	batch    []merkle.Inclusion
	failed   []int
}

// verifyRow checks count proofs of random leaves of a tree of n, a power of two.
func verifyRow(n, count int) (field.Row, error) {
	p, err := newProofs(n, count)
	if err != nil {
		return field.Row{}, err
	}
	depth := bits.Len(uint(n - 1))
	k, err := kernelRun(merkle.RFC6962, logPair, p.distinct())
	if err != nil {
		return field.Row{}, err
	}
	k.want = p.want
	return field.Row{
		Row: contest.Row{
			Want: p.want, Procs: 1,
			Contestants: []contest.Contestant{
				{Name: field.Weir, Role: contest.Ours, Note: "one batch, nodes in common hashed once where they meet", Run: p.ours},
				{Name: field.WeirAgain, Role: contest.Control, Run: p.ours},
				k.contestant(),
				{Name: "weir, singly", Role: contest.Baseline, Note: "VerifyInclusionHash", Run: p.singly},
				collected(transparency, transparencyNote+", VerifyInclusion", p.peer),
			},
		},
		Benchmark: fmt.Sprintf("MerkleVerify/scheme=rfc6962/proofs=%d/depth=%d", count, depth),
		Items:     count, Item: "proof", Bytes: count * (depth + 1) * merkle.HashSize,
		Work: floor.Work{Nodes: p.distinct()}, // what batches cannot do without
	}, nil
}

func newProofs(n, count int) (*proofs, error) {
	tree, err := merkle.Build(background, merkle.RFC6962, merkle.Nodes(random(n*merkle.HashSize)), 0)
	if err != nil {
		return nil, err
	}
	p := &proofs{size: uint64(n), root: tree.Root(), want: bytes.Repeat([]byte{1}, count)}
	rng := rand.New(rand.NewPCG(uint64(n), uint64(count)))
	for i := range count {
		in := inclusion{index: rng.Uint64N(uint64(n))}
		if in.leafHash, err = tree.LeafHash(in.index); err != nil {
			return nil, err
		}
		if in.path, err = tree.Path(in.index); err != nil {
			return nil, err
		}
		if i%forgedEvery == forgedEvery-1 {
			in.path[rng.IntN(len(in.path))][rng.IntN(merkle.HashSize)] ^= 1 << rng.IntN(8)
			p.want[i] = 0
		}
		for k := range in.path {
			in.slices = append(in.slices, in.path[k][:])
		}
		p.list = append(p.list, in)
	}
	p.verifier = merkle.NewVerifier(merkle.RFC6962)
	for i := range p.list {
		in := &p.list[i]
		p.batch = append(p.batch, merkle.Inclusion{
			Root: p.root, Leaf: in.leafHash[:], Index: in.index, Size: p.size, Path: in.path, Hashed: true,
		})
	}
	return p, nil
}

// distinct is the number of nodes above the proofs' leaves, each counted once:
// what has to be hashed where proofs are known to be about one tree.
func (p *proofs) distinct() int {
	dirty := map[uint64]bool{}
	for i := range p.list {
		dirty[p.list[i].index] = true
	}
	return nodesAbove(dirty, p.size)
}

// ours checks all proofs in one batch, which says which of them failed.
func (p *proofs) ours(dst []byte) error {
	failed, err := p.verifier.Inclusions(background, p.batch, p.failed[:0])
	if err != nil && !errors.Is(err, merkle.ErrBatch) {
		return err
	}
	p.failed = failed
	for i := range dst {
		dst[i] = 1
	}
	for _, i := range failed {
		dst[i] = 0
	}
	return nil
}

// singly checks one proof after the other.
func (p *proofs) singly(dst []byte) error {
	for i := range p.list {
		in := &p.list[i]
		if merkle.VerifyInclusionHash(merkle.RFC6962, p.root, in.leafHash, in.index, p.size, in.path) == nil {
			dst[i] = 1
		}
	}
	return nil
}

func (p *proofs) peer(dst []byte) error {
	for i := range p.list {
		in := &p.list[i]
		if proof.VerifyInclusion(rfc6962.DefaultHasher, in.index, p.size, in.leafHash[:], in.slices, p.root[:]) == nil {
			dst[i] = 1
		}
	}
	return nil
}

package merklefield

import (
	"bytes"
	"fmt"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/merkle"
)

// kernelPairs and kernelLeaves fill any kernel, and their 384 KiB and some 300
// KiB stay in a core's own cache.
const (
	kernelPairs  = 4096
	kernelLeaves = 1024
)

// kernel hashes as many nodes as a row's work has, and as many leaves, with the
// scheme's kernels alone, always the same ones: what the work would take if the
// tree around it cost nothing.
type kernel struct {
	scheme         *merkle.Scheme
	nodes          int
	src, dst, hash []byte
	want           []byte // the row's answer, given when the nodes were right

	leaves           int
	leaf             [][]byte
	leafDst, leafSum []byte
}

func kernelRun(s *merkle.Scheme, pair pairHash, nodes int) (*kernel, error) {
	k := &kernel{
		scheme: s, nodes: nodes,
		src: random(kernelPairs * 2 * merkle.HashSize), dst: make([]byte, kernelPairs*merkle.HashSize),
	}
	list := nodesOf(k.src)
	for i := 0; i < len(list); i += 2 {
		h := pair(list[i], list[i+1])
		k.hash = append(k.hash, h[:]...)
	}
	return k, s.HashNodes(k.dst, k.src)
}

// logKernel is that of a root by RFC 6962 of n leaves of size bytes.
func logKernel(s *merkle.Scheme, n, size int) (*kernel, error) {
	k, err := kernelRun(s, logPair, n-1)
	if err != nil {
		return nil, err
	}
	k.leaves, k.leaf = n, cut(random(kernelLeaves*size), size)
	k.leafDst = make([]byte, kernelLeaves*merkle.HashSize)
	for _, leaf := range k.leaf {
		h := logLeaf(leaf)
		k.leafSum = append(k.leafSum, h[:]...)
	}
	return k, nil
}

func (k *kernel) contestant() contest.Contestant {
	note := fmt.Sprintf("kernel share: %d nodes", k.nodes)
	if k.leaves > 0 {
		note += fmt.Sprintf(", %d leaves", k.leaves)
	}
	return contest.Contestant{Name: kernelName, Role: contest.Baseline, Timed: k.run, Note: note + " and nothing else"}
}

func (k *kernel) run(dst []byte) (time.Duration, error) {
	clear(k.dst)
	clear(k.leafDst)
	begin := time.Now()
	for left := k.leaves; left > 0; left -= kernelLeaves {
		n := min(left, kernelLeaves)
		if err := k.scheme.HashLeaves(k.leafDst[:n*merkle.HashSize], k.leaf[:n]); err != nil {
			return 0, err
		}
	}
	for left := k.nodes; left > 0; left -= kernelPairs {
		n := min(left, kernelPairs)
		if err := k.scheme.HashNodes(k.dst[:n*merkle.HashSize], k.src[:2*n*merkle.HashSize]); err != nil {
			return 0, err
		}
	}
	took := time.Since(begin)
	done, leaves := min(k.nodes, kernelPairs)*merkle.HashSize, min(k.leaves, kernelLeaves)*merkle.HashSize
	if !bytes.Equal(k.dst[:done], k.hash[:done]) || !bytes.Equal(k.leafDst[:leaves], k.leafSum[:leaves]) {
		return 0, fmt.Errorf("%w: a kernel of %s", contest.ErrWrongAnswer, k.scheme.Name())
	}
	copy(dst, k.want)
	return took, nil
}

package merklefield

import (
	"bytes"
	"fmt"
	"time"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/merkle"
)

// kernelPairs fill any kernel, and their 384 KiB stay in a core's own cache.
const kernelPairs = 4096

// kernel does as many nodes as a root has with the scheme's node kernel alone,
// always the same ones: what a root would take if the tree around it cost
// nothing.
type kernel struct {
	scheme         *merkle.Scheme
	nodes          int
	src, dst, hash []byte
	want           []byte // the row's answer, given when the nodes were right
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

func (k *kernel) contestant() contest.Contestant {
	return contest.Contestant{
		Name: kernelName, Role: contest.Baseline, Timed: k.run,
		Note: fmt.Sprintf("the kernel alone, %d times", k.nodes),
	}
}

func (k *kernel) run(dst []byte) (time.Duration, error) {
	clear(k.dst)
	begin := time.Now()
	for left := k.nodes; left > 0; left -= kernelPairs {
		n := min(left, kernelPairs)
		if err := k.scheme.HashNodes(k.dst[:n*merkle.HashSize], k.src[:2*n*merkle.HashSize]); err != nil {
			return 0, err
		}
	}
	took := time.Since(begin)
	done := min(k.nodes, kernelPairs) * merkle.HashSize
	if !bytes.Equal(k.dst[:done], k.hash[:done]) {
		return 0, fmt.Errorf("%w: the node kernel of %s", contest.ErrWrongAnswer, k.scheme.Name())
	}
	copy(dst, k.want)
	return took, nil
}

package merklefield

import (
	"crypto/sha256"
	"fmt"

	comet "github.com/cometbft/cometbft/crypto/merkle"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/merkle"
)

// blocks is the number of SHA-256 blocks of n bytes, FIPS 180-4 section 5.1.1.
func blocks(n int) int { return (n + 1 + 8 + 63) / 64 }

// logRoot is the root by RFC 6962 over crypto/sha256.
func logRoot(leaves [][]byte) []byte {
	layer := make([]merkle.Hash, len(leaves))
	for i, leaf := range leaves {
		layer[i] = logLeaf(leaf)
	}
	return rootOf(layer, logPair, movesUp)
}

// logRow is the root of n leaves of a transparency log.
func logRow(n, size int) (field.Row, error) {
	leaves := cut(random(n*size), size)
	k, err := logKernel(merkle.RFC6962, n, size)
	if err != nil {
		return field.Row{}, err
	}
	k.want = logRoot(leaves)
	return field.Row{
		Row: contest.Row{
			Want: k.want, Procs: 1,
			Contestants: append(ours(merkle.RFC6962, merkle.Leaves(leaves), 1), k.contestant(),
				collected(transparency, transparencyNote+", compact range", compactRange(leaves))),
		},
		Benchmark: fmt.Sprintf("MerkleRoot/scheme=rfc6962/leaves=%d/size=%d", n, size),
		Kernel:    "sha256_nodes", Items: n, Item: "leaf", Bytes: n * size,
		Work: floor.Work{Nodes: n - 1, Blocks: n * blocks(1+size)},
	}, nil
}

// compactRange appends leaf after leaf and asks for the root, as a log does.
func compactRange(leaves [][]byte) job {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return func(dst []byte) error {
		r := factory.NewEmptyRange(0)
		for _, leaf := range leaves {
			if err := r.Append(rfc6962.DefaultHasher.HashLeaf(leaf), nil); err != nil {
				return err
			}
		}
		root, err := r.GetRootHash(nil)
		copy(dst, root)
		return err
	}
}

// interiorRow is the root above n leaf hashes, beside the kernel alone.
func interiorRow(n int) (field.Row, error) {
	flat := random(n * merkle.HashSize)
	k, err := kernelRun(merkle.RFC6962, logPair, n-1)
	if err != nil {
		return field.Row{}, err
	}
	k.want = rootOf(nodesOf(flat), logPair, movesUp)
	return field.Row{
		Row: contest.Row{
			Want: k.want, Procs: 1,
			Contestants: append(ours(merkle.RFC6962, merkle.Nodes(flat), 1), k.contestant()),
		},
		Benchmark: fmt.Sprintf("MerkleInterior/scheme=rfc6962/leaves=%d", n),
		Kernel:    "sha256_nodes", Items: n, Item: "leaf", Bytes: len(flat),
		Work: floor.Work{Nodes: n - 1},
	}, nil
}

// cometRow is the root of a block's transactions on a CometBFT chain, a tree of
// RFC 6962.
func cometRow(n, size int) (field.Row, error) {
	leaves := cut(random(n*size), size)
	k, err := logKernel(merkle.CometBFT, n, size)
	if err != nil {
		return field.Row{}, err
	}
	k.want = logRoot(leaves)
	return field.Row{
		Row: contest.Row{
			Want: k.want, Procs: 1,
			Contestants: append(ours(merkle.CometBFT, merkle.Leaves(leaves), 1), k.contestant(),
				collected(cometbft, cometbftNote+", HashFromByteSlices", func(dst []byte) error {
					copy(dst, comet.HashFromByteSlices(leaves))
					return nil
				})),
		},
		Benchmark: fmt.Sprintf("MerkleRoot/scheme=cometbft/leaves=%d/size=%d", n, size),
		Kernel:    "sha256_nodes", Items: n, Item: "tx", Bytes: n * size,
		Work: floor.Work{Nodes: n - 1, Blocks: n * blocks(1+size)},
	}, nil
}

// bitcoinRow is the root of a block's transaction ids.
func bitcoinRow(n int) (field.Row, error) {
	flat := random(n * merkle.HashSize)
	pairs := 0
	for m := n; m > 1; m = (m + 1) / 2 {
		pairs += (m + 1) / 2
	}
	k, err := kernelRun(merkle.Bitcoin, doublePair, pairs)
	if err != nil {
		return field.Row{}, err
	}
	k.want = rootOf(nodesOf(flat), doublePair, withItself)
	return field.Row{
		Row: contest.Row{
			Want: k.want, Procs: 1,
			Contestants: append(ours(merkle.Bitcoin, merkle.Nodes(flat), 1), k.contestant(), peer(std, "double-hash loop", doubleLoop(flat))),
		},
		Benchmark: fmt.Sprintf("MerkleRoot/scheme=bitcoin/leaves=%d", n),
		Kernel:    "sha256d_pairs", Items: n, Item: "txid", Bytes: len(flat),
		Work: floor.Work{DoublePairs: pairs},
	}, nil
}

// doubleLoop folds the ids in one buffer with room for an odd layer's copy of
// its last node.
func doubleLoop(ids []byte) job {
	const pair = 2 * merkle.HashSize
	buf := make([]byte, len(ids)+merkle.HashSize)
	return func(dst []byte) error {
		layer := buf[:copy(buf, ids)]
		for len(layer) > merkle.HashSize {
			if len(layer)%pair != 0 {
				layer = append(layer, layer[len(layer)-merkle.HashSize:]...)
			}
			for i := 0; i < len(layer); i += pair {
				once := sha256.Sum256(layer[i : i+pair])
				*(*merkle.Hash)(layer[i/2:]) = sha256.Sum256(once[:])
			}
			layer = layer[:len(layer)/2]
		}
		copy(dst, layer)
		return nil
	}
}

package field

import (
	"crypto/sha256"
	"fmt"

	minio "github.com/minio/sha256-simd"

	"github.com/chainweir/weir/asm/sha256x"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/hash"
)

// pairKind is one of the kernels that hash pairs.
type pairKind struct {
	kernel, benchmark string
	exported          func(dst, src []byte) error
	generic           func(dst, src []byte)
	reference         func(pair []byte) [digestSize]byte
	peers             func(src []byte) []contest.Contestant
	work              func(n int) floor.Work
}

var pairKinds = []struct {
	kind   pairKind
	counts []int
}{
	{pairKind{
		kernel: "sha256_pairs", benchmark: "SHA256Pairs",
		exported: hash.SHA256Pairs, generic: sha256x.PairsGeneric, reference: sha256.Sum256,
		peers: func(src []byte) []contest.Contestant {
			return []contest.Contestant{
				peer("crypto/sha256", stdPairs(src)), peer("minio", minioPairs(src)), gohashtreePairs(src), hashtreePairs(src),
			}
		},
		work: func(n int) floor.Work {
			if n == 1 {
				return floor.Work{ChainBlocks: 2} // nothing to do beside it
			}
			return floor.Work{Pairs: n}
		},
	}, []int{1, 16, 64, 256, 1024, 4096, 65536}},
	{pairKind{
		kernel: "sha256_nodes", benchmark: "SHA256Nodes",
		exported: hash.SHA256Nodes, generic: sha256x.NodesGeneric, reference: nodeSum,
		peers: func(src []byte) []contest.Contestant {
			return []contest.Contestant{peer("crypto/sha256", stdNodes(src)), peer("minio", minioNodes(src))}
		},
		work: func(n int) floor.Work { return floor.Work{Nodes: n} },
	}, []int{16, 1024}},
	{pairKind{
		kernel: "sha256d_pairs", benchmark: "SHA256DPairs",
		exported: hash.SHA256DPairs, generic: sha256x.DPairsGeneric, reference: doubleSum,
		peers: func(src []byte) []contest.Contestant {
			return []contest.Contestant{peer("crypto/sha256", stdDPairs(src)), peer("minio", minioDPairs(src))}
		},
		work: func(n int) floor.Work { return floor.Work{DoublePairs: n} },
	}, []int{16, 1024}},
}

func pairSpecs() []Spec {
	var list []Spec
	for _, k := range pairKinds {
		for _, n := range k.counts {
			list = append(list, named(fmt.Sprintf("%s n=%d", k.kind.kernel, n), func() (Row, error) { return k.kind.row(n), nil }))
		}
	}
	return list
}

func (k pairKind) row(n int) Row {
	src := random(n * pairSize)
	list := ours(func(dst []byte) error { return k.exported(dst, src) })
	list = append(list, each(k.kernel, func(im hash.Implementation) job {
		if im.Pairs == nil {
			return nil
		}
		return func(dst []byte) error { return im.Pairs(dst, src) }
	})...)
	list = withGeneric(list, func(dst []byte) error { k.generic(dst, src); return nil })
	return Row{
		Row: contest.Row{
			Want: digests(pairsOf(src), k.reference), Procs: 1,
			Contestants: append(list, k.peers(src)...),
		},
		Benchmark: fmt.Sprintf("%s/n=%d", k.benchmark, n),
		Kernel:    k.kernel, Items: n, Item: "pair", Bytes: len(src), Work: k.work(n),
	}
}

// The loops that a caller of a library for single messages writes. They call
// the libraries directly, as that caller would, and not through a function
// value.

func stdPairs(src []byte) job {
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			*(*[digestSize]byte)(dst[i/2:]) = sha256.Sum256(src[i : i+pairSize])
		}
		return nil
	}
}

func minioPairs(src []byte) job {
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			*(*[digestSize]byte)(dst[i/2:]) = minio.Sum256(src[i : i+pairSize])
		}
		return nil
	}
}

func stdNodes(src []byte) job {
	node := make([]byte, 1+pairSize)
	node[0] = nodePrefix
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			copy(node[1:], src[i:i+pairSize])
			*(*[digestSize]byte)(dst[i/2:]) = sha256.Sum256(node)
		}
		return nil
	}
}

func minioNodes(src []byte) job {
	node := make([]byte, 1+pairSize)
	node[0] = nodePrefix
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			copy(node[1:], src[i:i+pairSize])
			*(*[digestSize]byte)(dst[i/2:]) = minio.Sum256(node)
		}
		return nil
	}
}

func stdDPairs(src []byte) job {
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			inner := sha256.Sum256(src[i : i+pairSize])
			*(*[digestSize]byte)(dst[i/2:]) = sha256.Sum256(inner[:])
		}
		return nil
	}
}

func minioDPairs(src []byte) job {
	return func(dst []byte) error {
		for i := 0; i+pairSize <= len(src); i += pairSize {
			inner := minio.Sum256(src[i : i+pairSize])
			*(*[digestSize]byte)(dst[i/2:]) = minio.Sum256(inner[:])
		}
		return nil
	}
}

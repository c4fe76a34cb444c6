package hash

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/asm/sha256x"
)

// Indices of the SHA-256 implementations in their kernels. From implOurs on
// they are those of the kernel's list of sha256x.Impl below.
const (
	implStd   = iota // crypto/sha256
	implMinio        // minio/sha256-simd
	implOurs
)

// implOurStream is where our own begin in the kernel of streams.
const implOurStream = 1

// The implementations of our own, by kernel.
var (
	oneImpls    = [...]sha256x.Impl{sha256x.Generic, sha256x.SHANI, sha256x.SHA2}
	streamImpls = [...]sha256x.Impl{sha256x.Generic, sha256x.SHANI, sha256x.SHA2}
	manyImpls   = [...]sha256x.Impl{sha256x.Generic, sha256x.SHANI, sha256x.AVX512}
	pairImpls   = [...]sha256x.Impl{
		sha256x.Generic, sha256x.AVX2, sha256x.SHANI, sha256x.SHA2,
		sha256x.AVX512Double, sha256x.AVX512,
	}
	dpairImpls = [...]sha256x.Impl{
		sha256x.Generic, sha256x.AVX2, sha256x.SHANI, sha256x.SHA2, sha256x.AVX512,
	}
)

// Indices of the BLAKE3 implementations in the kernels for messages. In the
// kernels for nodes they are the numbers that blake3x gives them.
const (
	implGeneric = iota // this package, from the paper
	implZeebo          // zeebo/blake3
	implScalar         // this package, on blake3x.Scalar
	implAVX2           // this package, on blake3x.AVX2
	implAVX512         // this package, on blake3x.AVX512
)

// Ladders of sizes at which the implementations are compared.
var (
	pairsLadder    = []int{1, 4, 8, 16, 32, 64, 256, 1024}
	messagesLadder = []int{1, 4, 8, 16, 64, 256}
	nodesLadder    = []int{1, 4, 8, 16, 32, 64, 256}
	bytesLadder    = []int{64, 256, 1024, 8192, 32768}
	blake3Ladder   = []int{64, 1024, 4096, 16384, 65536} // block, chunk, few lanes, all lanes, batches
	streamLadder   = []int{streamSize}
)

var (
	kernelSHA256 = register("sha256", "message bytes", bytesLadder, sha256Impls(oneImpls[:]), prepareOne(sum256))
	kernelStream = register("sha256_stream", "stream bytes", streamLadder, streamKernelImpls(), prepareStream)
	kernelPairs  = register("sha256_pairs", "pairs", pairsLadder, sha256Impls(pairImpls[:]), preparePairs(pairs))
	kernelNodes  = register("sha256_nodes", "pairs", pairsLadder, sha256Impls(pairImpls[:]), preparePairs(nodes))
	kernelDPairs = register("sha256d_pairs", "pairs", pairsLadder, sha256Impls(dpairImpls[:]), preparePairs(dpairs))
	kernelMany   = register("sha256_many", "messages", messagesLadder, sha256Impls(manyImpls[:]), prepareMany(many))

	kernelBLAKE3        = register("blake3", "message bytes", blake3Ladder, blake3Impls(), prepareOne(sumBLAKE3))
	kernelBLAKE3Many    = register("blake3_many", "messages", messagesLadder, blake3Impls(), prepareMany(blake3Many))
	kernelBLAKE3Chunks  = register("blake3_chunks", "chunks", nodesLadder, blake3NodeImpls(), prepareChunks)
	kernelBLAKE3Parents = register("blake3_parents", "pairs", nodesLadder, blake3NodeImpls(), preparePairs(blake3Parents))
)

func register(name, unit string, ladder []int, impls []cpu.Impl, prepare func(int) func(int)) *cpu.Kernel {
	return cpu.Kernels.Register(cpu.Spec{Name: name, Unit: unit, Impls: impls, Ladder: ladder, Prepare: prepare})
}

// sha256Impls lists the libraries and then our own. crypto/sha256 comes first:
// it runs everywhere and is fast enough to serve while others are measured.
func sha256Impls(ours []sha256x.Impl) []cpu.Impl {
	list := []cpu.Impl{
		implStd:   stdImpl(),
		implMinio: {Name: "minio", Version: moduleVersion("github.com/minio/sha256-simd"), Unavailable: minioUnavailable()},
	}
	return appendOurs(list, ours)
}

// streamKernelImpls leaves minio out: its streams cannot be marshalled.
func streamKernelImpls() []cpu.Impl {
	return appendOurs([]cpu.Impl{implStd: stdImpl()}, streamImpls[:])
}

func stdImpl() cpu.Impl { return cpu.Impl{Name: "std", Version: runtime.Version()} }

func appendOurs(list []cpu.Impl, ours []sha256x.Impl) []cpu.Impl {
	for _, impl := range ours {
		list = append(list, cpu.Impl{Name: impl.String(), Version: sha256x.Version, Unavailable: impl.Unavailable()})
	}
	return list
}

func blake3Impls() []cpu.Impl {
	return []cpu.Impl{
		implGeneric: {Name: "generic", Version: blake3x.Version},
		implZeebo:   {Name: "zeebo", Version: moduleVersion("github.com/zeebo/blake3")},
		implScalar:  {Name: blake3x.Scalar.String(), Version: blake3x.Version, Unavailable: blake3x.Scalar.Unavailable()},
		implAVX2:    {Name: blake3x.AVX2.String(), Version: blake3x.Version, Unavailable: blake3x.AVX2.Unavailable()},
		implAVX512:  {Name: blake3x.AVX512.String(), Version: blake3x.Version, Unavailable: blake3x.AVX512.Unavailable()},
	}
}

func blake3NodeImpls() []cpu.Impl {
	var list []cpu.Impl
	for _, impl := range blake3x.Impls() {
		list = append(list, cpu.Impl{Name: impl.String(), Version: blake3x.Version, Unavailable: impl.Unavailable()})
	}
	return list
}

// moduleVersion is the version of a module in this program, or "unknown" in a
// build without module information, such as a test.
func moduleVersion(path string) string {
	if v, ok := moduleVersions()[path]; ok {
		return v
	}
	return "unknown"
}

// moduleVersions parses the build information once: kernels register while the
// program starts.
var moduleVersions = sync.OnceValue(func() map[string]string {
	versions := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, m := range info.Deps {
		path := m.Path
		if m.Replace != nil {
			m = m.Replace
		}
		versions[path] = m.Version + " " + m.Sum
	}
	return versions
})

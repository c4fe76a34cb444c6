package hash

import (
	"crypto/fips140"
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
	kernelSHA256, kernelStream              *cpu.Kernel
	kernelPairs, kernelNodes, kernelDPairs  *cpu.Kernel
	kernelMany, kernelManyLong              *cpu.Kernel
	kernelBLAKE3, kernelBLAKE3Many          *cpu.Kernel
	kernelBLAKE3Chunks, kernelBLAKE3Parents *cpu.Kernel
)

// init registers the kernels in the order in which reports list them, which
// Go's order of variable initialisation would not keep.
func init() {
	const bytes, messages, pairsUnit = "message bytes", "messages", "pairs"
	kernelSHA256 = register("sha256", bytes, bytesLadder, sha256Impls(oneImpls[:]), prepareOne(sum256))
	kernelStream = register("sha256_stream", "stream bytes", streamLadder, streamKernelImpls(), prepareStream)
	kernelPairs = register("sha256_pairs", pairsUnit, pairsLadder, sha256Impls(pairImpls[:]), preparePairs(pairs))
	kernelNodes = register("sha256_nodes", pairsUnit, pairsLadder, sha256Impls(pairImpls[:]), preparePairs(nodes))
	kernelDPairs = register("sha256d_pairs", pairsUnit, pairsLadder, sha256Impls(dpairImpls[:]), preparePairs(dpairs))
	kernelMany = register("sha256_many", messages, messagesLadder, sha256Impls(manyImpls[:]), prepareMany(many, txSize))
	kernelManyLong = cpu.Kernels.Register(cpu.Spec{
		Name: "sha256_many_long", Follows: "sha256_many", Unit: messages, Ladder: messagesLadder,
		Impls: kernelMany.Impls(), Meanwhile: meanwhile(kernelMany.Impls()), Prepare: prepareMany(many, longSize),
	})
	kernelBLAKE3 = register("blake3", bytes, blake3Ladder, blake3Impls(), prepareOne(sumBLAKE3))
	kernelBLAKE3Many = register("blake3_many", messages, messagesLadder, blake3Impls(), prepareMany(blake3Many, txSize))
	kernelBLAKE3Chunks = register("blake3_chunks", "chunks", nodesLadder, blake3NodeImpls(), prepareChunks)
	kernelBLAKE3Parents = register("blake3_parents", pairsUnit, nodesLadder, blake3NodeImpls(), preparePairs(blake3Parents))
}

func register(name, unit string, ladder []int, impls []cpu.Impl, prepare func(int) func(int)) *cpu.Kernel {
	return cpu.Kernels.Register(cpu.Spec{
		Name: name, Unit: unit, Impls: impls, Ladder: ladder, Meanwhile: meanwhile(impls), Prepare: prepare,
	})
}

// meanwhile is the implementation that serves while others are measured: for
// SHA-256 the processor's own instructions, which suit any number of items, or
// else crypto/sha256; for BLAKE3 the widest lanes, which are never far behind,
// or else zeebo's; where there is neither, the specification.
func meanwhile(impls []cpu.Impl) int {
	order := []string{"shani", "sha2", "std", "avx512", "avx2", "zeebo", "scalar"}
	for _, name := range order {
		for i, impl := range impls {
			if impl.Name == name && impl.Unavailable == "" {
				return i
			}
		}
	}
	return 0
}

// sha256Impls lists the libraries and then our own. crypto/sha256 comes first:
// it runs everywhere.
func sha256Impls(ours []sha256x.Impl) []cpu.Impl {
	list := []cpu.Impl{
		implStd:   stdImpl(),
		implMinio: {Name: "minio", Version: moduleVersion("github.com/minio/sha256-simd"), Unavailable: minioUnavailable()},
	}
	return appendOurs(list, ours)
}

// streamKernelImpls leaves minio out: its streams cannot be marshalled. In FIPS
// 140-3 mode it leaves only crypto/sha256's, because under fips140=only
// crypto/hmac panics on any other.
func streamKernelImpls() []cpu.Impl {
	list := appendOurs([]cpu.Impl{implStd: stdImpl()}, streamImpls[:])
	for i := range list[implOurStream:] {
		if im := &list[implOurStream+i]; fips140.Enabled() && im.Unavailable == "" {
			im.Unavailable = "crypto/fips140 is enabled, and there crypto/hmac wants streams of crypto/sha256"
		}
	}
	return list
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

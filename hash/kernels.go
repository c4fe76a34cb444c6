package hash

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/chainweir/weir/asm/cpu"
)

// Indices of the SHA-256 implementations in their kernels.
const (
	implStd   = iota // crypto/sha256
	implMinio        // minio/sha256-simd
)

// Indices of the BLAKE3 implementations in their kernels.
const (
	implGeneric = iota // this package, from the paper
	implZeebo          // zeebo/blake3
)

// txSize is the size of the messages on which the kernels for many messages
// are measured: that of weir's plain transaction.
const txSize = 200

// Ladders of sizes at which the implementations are compared.
var (
	pairsLadder    = []int{1, 16, 64, 256}
	messagesLadder = []int{1, 16, 64}
	bytesLadder    = []int{64, 256, 1024, 8192, 32768}
)

var (
	kernelSHA256     = register("sha256", "message bytes", bytesLadder, sha256Impls, prepareOne(sum256))
	kernelPairs      = register("sha256_pairs", "pairs", pairsLadder, sha256Impls, preparePairs(pairs))
	kernelNodes      = register("sha256_nodes", "pairs", pairsLadder, sha256Impls, preparePairs(nodes))
	kernelDPairs     = register("sha256d_pairs", "pairs", pairsLadder, sha256Impls, preparePairs(dpairs))
	kernelMany       = register("sha256_many", "messages", messagesLadder, sha256Impls, prepareMany(many))
	kernelBLAKE3     = register("blake3", "message bytes", bytesLadder, blake3Impls, prepareOne(sumBLAKE3))
	kernelBLAKE3Many = register("blake3_many", "messages", messagesLadder, blake3Impls, prepareMany(blake3Many))
)

func register(name, unit string, ladder []int, impls func() []cpu.Impl, prepare func(int) func(int)) *cpu.Kernel {
	return cpu.Kernels.Register(cpu.Spec{Name: name, Unit: unit, Impls: impls(), Ladder: ladder, Prepare: prepare})
}

func sha256Impls() []cpu.Impl {
	return []cpu.Impl{
		implStd:   {Name: "std", Version: runtime.Version()},
		implMinio: {Name: "minio", Version: moduleVersion("github.com/minio/sha256-simd"), Unavailable: minioUnavailable()},
	}
}

func blake3Impls() []cpu.Impl {
	return []cpu.Impl{
		implGeneric: {Name: "generic", Version: "1"},
		implZeebo:   {Name: "zeebo", Version: moduleVersion("github.com/zeebo/blake3")},
	}
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

func prepareOne(sum func(int, []byte) [Size]byte) func(int) func(int) {
	return func(n int) func(int) {
		msg := patterned(n)
		return func(impl int) { sum(impl, msg) }
	}
}

func preparePairs(hash func(impl int, dst, src []byte)) func(int) func(int) {
	return func(n int) func(int) {
		dst, src := make([]byte, n*Size), patterned(n*pairSize)
		return func(impl int) { hash(impl, dst, src) }
	}
}

func prepareMany(hash func(impl int, dst []byte, msgs [][]byte)) func(int) func(int) {
	return func(n int) func(int) {
		dst, src, msgs := make([]byte, n*Size), patterned(n*txSize), make([][]byte, n)
		for i := range msgs {
			msgs[i] = src[i*txSize:][:txSize]
		}
		return func(impl int) { hash(impl, dst, msgs) }
	}
}

// patterned returns n bytes that are not all zero, touched, so that the first
// sample does not pay for page faults.
func patterned(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

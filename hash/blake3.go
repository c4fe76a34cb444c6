package hash

import (
	"github.com/zeebo/blake3"

	"github.com/chainweir/weir/asm/blake3x"
	"github.com/chainweir/weir/asm/cpu"
)

// Section numbers in this package's BLAKE3 files are those of the paper:
// O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast
// everywhere", 2020.

// BLAKE3 returns the 32-byte BLAKE3 digest of msg, in the default hash mode.
// Kernel "blake3".
func BLAKE3(msg []byte) (digest [Size]byte) {
	hashBLAKE3(&digest, pickBLAKE3(len(msg)), msg)
	return digest
}

// settleBytes is the length of a message from which hashing takes about as long
// as a measurement, so that waiting for its outcome pays.
const settleBytes = 16 << 20

// pickBLAKE3 is the implementation for a message of n bytes.
func pickBLAKE3(n int) int { return pickLarge(kernelBLAKE3, n, n) }

// pickLarge is the implementation of k for n units, in a message of that many
// bytes.
func pickLarge(k *cpu.Kernel, n, bytes int) int {
	if bytes >= settleBytes {
		return k.PickSettled(n)
	}
	return k.Pick(n)
}

// BLAKE3Keyed returns the digest of msg in the keyed mode (§2.3): a message
// authentication code, or a hash function that only holders of the key can
// compute. Compare tags with [crypto/subtle.ConstantTimeCompare] and not with
// ==, whose time tells a forger how far he got.
//
// The code was not reviewed for secrets: keys stay behind in memory that was
// used, and nobody has looked for what its timing tells. Where that matters,
// use crypto/hmac.
//
// Like all modes but the default one it allocates a hasher where this package
// has no kernel of its own, that is on other processors than amd64.
func BLAKE3Keyed(key *[Size]byte, msg []byte) (digest [Size]byte) {
	impl := modeImpl(len(msg))
	if impl == implZeebo {
		zeeboKeyed(key).read(digest[:], msg)
		return digest
	}
	words := blake3x.Value(key)
	blake3Sum(&digest, lanesOf(impl), msg, &words, blake3x.KeyedHash)
	return digest
}

// BLAKE3XOF fills dst, of any length, with the extended output of msg in the
// default mode (§2.6). Its first 32 bytes are BLAKE3(msg), and shorter outputs
// are prefixes of longer ones. Allocates as BLAKE3Keyed does.
func BLAKE3XOF(dst, msg []byte) {
	impl := modeImpl(len(msg))
	if impl == implZeebo {
		zeeboDefault().read(dst, msg)
		return
	}
	lanes := lanesOf(impl)
	root := messageRoot(lanes, msg, &blake3x.IV, 0)
	root.read(dst, lanes, 0)
}

// BLAKE3DeriveKey fills dst, of any length, with key material derived from
// other key material in the key derivation mode (§2.3). The context should be
// a constant of the program that is globally unique and names the purpose,
// such as "example.org 2026-03-01 session keys v1"; it must not depend on the
// input. Allocates as BLAKE3Keyed does, and for contexts of more than 256 bytes.
//
// It is not for passwords, which need a slow function, and like BLAKE3Keyed it
// was not reviewed for secrets: where that matters, use crypto/hkdf.
func BLAKE3DeriveKey(dst []byte, context string, material []byte) {
	impl := modeImpl(len(material))
	if impl == implZeebo {
		zeeboDeriveKey(context).read(dst, material)
		return
	}
	lanes := lanesOf(impl)
	key := contextKey(lanes, context)
	root := messageRoot(lanes, material, &key, blake3x.DeriveKeyMaterial)
	root.read(dst, lanes, 0)
}

// contextBytes is the length of contexts up to which none is allocated for.
const contextBytes = 256

// contextKey is the first stage of key derivation: the key that stands for the
// context.
func contextKey(lanes blake3x.Impl, context string) [8]uint32 {
	var buf [contextBytes]byte
	msg := append(buf[:0], context...)
	var key [Size]byte
	blake3Sum(&key, lanes, msg, &blake3x.IV, blake3x.DeriveKeyContext)
	return blake3x.Value(&key)
}

// hashBLAKE3 hashes with the implementation of the given index. The calls are
// direct on purpose: see cpu.Kernel.Pick.
func hashBLAKE3(digest *[Size]byte, impl int, msg []byte) {
	switch impl {
	case implAVX512:
		blake3Sum(digest, blake3x.AVX512, msg, &blake3x.IV, 0)
	case implAVX2:
		blake3Sum(digest, blake3x.AVX2, msg, &blake3x.IV, 0)
	case implScalar:
		blake3Sum(digest, blake3x.Scalar, msg, &blake3x.IV, 0)
	case implZeebo:
		*digest = blake3.Sum256(msg)
	default:
		*digest = specBLAKE3(msg, &blake3x.IV, 0)
	}
}

// sumBLAKE3 is hashBLAKE3 in the shape of the kernels of one message.
func sumBLAKE3(impl int, msg []byte) (digest [Size]byte) {
	hashBLAKE3(&digest, impl, msg)
	return digest
}

// lanesOf translates an index of the kernels "blake3" and "blake3_many" to the
// implementation of nodes behind it. For zeebo, which shows no nodes, it is the
// best one that runs here.
func lanesOf(impl int) blake3x.Impl {
	switch impl {
	case implAVX512:
		return blake3x.AVX512
	case implAVX2:
		return blake3x.AVX2
	case implScalar:
		return blake3x.Scalar
	case implZeebo:
		return bestLanes
	}
	return blake3x.Generic
}

// bestLanes is the implementation of nodes for work that is not measured.
var bestLanes = func() blake3x.Impl {
	best := blake3x.Generic
	for _, impl := range blake3x.Impls() {
		if impl.Unavailable() == "" {
			best = impl
		}
	}
	return best
}()

// modeImpl is the implementation for one message of n bytes in another mode
// than the default one. Zeebo's hashers for these have to be allocated, so
// zeebo only stands in where the alternative is the specification, which it
// beats by far.
func modeImpl(n int) int {
	impl := pickBLAKE3(n)
	if impl == implZeebo && bestLanes != blake3x.Generic {
		impl = implOf(bestLanes)
	}
	return impl
}

// implOf is the index of an implementation of nodes in the kernels "blake3"
// and "blake3_many".
func implOf(lanes blake3x.Impl) int {
	switch lanes {
	case blake3x.AVX512:
		return implAVX512
	case blake3x.AVX2:
		return implAVX2
	case blake3x.Scalar:
		return implScalar
	}
	return implGeneric
}

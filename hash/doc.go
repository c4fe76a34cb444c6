// Package hash computes SHA-256 and BLAKE3: one message, a stream, or many
// messages, pairs and records in one call.
//
//	digest := hash.SHA256(msg)          // or hash.BLAKE3(msg): 32 bytes
//	err := hash.SHA256Many(dst, msgs)   // digest i of dst is that of msgs[i]
//	err = hash.SHA256Nodes(dst, level)  // one level of a Merkle tree
//
// The calls for many items exist because that is where hashing a Merkle tree
// or a block of transactions can be made fast: an implementation may work on
// several items at once, and how many is nobody's business but its own.
// Callers hand over as much as they have and never learn the lane count.
//
// # SHA-256
//
//   - [SHA256]: one message.
//   - [SHA256Many], [SHA256Leaves]: messages of any lengths; leaves of RFC 6962.
//   - [SHA256Records]: records of one size back to back, behind a prefix.
//   - [SHA256Pairs], [SHA256Nodes], [SHA256DPairs]: pairs of digests, plain, as
//     nodes of RFC 6962, and hashed twice as in Bitcoin. They work in place.
//   - [SHA256PairsPicked], [SHA256RecordsPicked]: pairs or records that lie at some
//     places of a level, as the changed nodes of a tree do.
//   - [NewSHA256]: a stream, for crypto/hmac too. Its state can be cloned, and
//     marshalled in crypto/sha256's format, so that either resumes the other's.
//
// # BLAKE3
//
//   - [BLAKE3], [BLAKE3Many]: one message and many. [BLAKE3Parallel] spreads a
//     large one over goroutines.
//   - [BLAKE3Keyed]: the keyed mode, a message authentication code.
//   - [BLAKE3DeriveKey]: the key derivation mode.
//   - [BLAKE3XOF]: an output of any length.
//   - [NewBLAKE3], [NewBLAKE3Keyed], [NewBLAKE3DeriveKey]: streams in these
//     modes. [BLAKE3Hasher.Output] reads any part of the output. They can be
//     cloned; they cannot be marshalled.
//   - [BLAKE3Chunks], [BLAKE3Parents], [BLAKE3Chunk], [BLAKE3Root]: the nodes of
//     the tree, for programs that keep or prove parts of it.
//
// # Which implementation runs
//
// Every function has several implementations, and its comment names the kernel
// that they belong to. Package asm/cpu chooses by measuring them on this
// machine at the first call, which therefore takes some milliseconds. Calls
// that arrive meanwhile are served by a decent one; those that make a stream
// and those with 16 MiB of BLAKE3 or more wait. The environment variable
// WEIR_IMPL forces a choice, as in
//
//	WEIR_IMPL=sha256_pairs:std,blake3:zeebo
//
// The result never depends on it. [Implementations] lists what there is.
//
// # Memory and goroutines
//
// All functions are safe for concurrent use; a stream is for one goroutine at a
// time. Digests are [Size] bytes. In calls with dst and src the buffers must
// not overlap unless the function says that they may.
//
// Buffers may live on the caller's stack. Calls allocate nothing, except
//
//   - the first of each kernel, which measures;
//   - the New functions, Clone, MarshalBinary and [BLAKE3Hasher.Output], for
//     what they return;
//   - [BLAKE3Parallel] where it starts goroutines;
//   - [BLAKE3DeriveKey] and [NewBLAKE3DeriveKey], for contexts over 256 bytes;
//   - the modes of BLAKE3 but the default one where no kernel of this package
//     runs (outside amd64, or with the tag purego), and hashers that
//     zeebo/blake3 serves, which are its own inside;
//   - implementation minio of [SHA256Leaves] and [SHA256Records] on messages
//     over 255 bytes, when its pool of streams is empty;
//   - errors.
//
// # Secrets
//
// The package is for hashing public data. The modes with keys are complete and
// tested, but nothing here was reviewed for secrets: keys are not wiped from
// memory, and what the timing tells was not examined. Where that matters use
// crypto/hmac and its kin, and for passwords a slow function. Tags of
// [BLAKE3Keyed] have to be compared in constant time, with crypto/subtle.
package hash

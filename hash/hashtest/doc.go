// Package hashtest is the conformance suite for hash kernels: one test body
// that every implementation of every kernel has to pass, whether it is plain
// Go, somebody else's module or assembly.
//
// It checks published vectors (FIPS 180-4, the official BLAKE3 set, Wycheproof
// for HMAC), every length around the block and chunk sizes, every batch size
// up to [MaxCount], mixed lengths around lane counts, unaligned and aliased
// buffers, that nothing beside the digests is written, and that wrong lengths
// are refused before anything is. Buffers between guard pages (mmap and
// PROT_NONE; on systems without them the check is skipped and says so) make a
// read or write outside them fail the check. Parts of BLAKE3's tree are put
// together to trees whose digests another implementation confirms.
//
// Two environment variables steer it. WEIR_VECTORS names a folder with the
// published vector files, which this module does not carry; without it the
// suite says so and runs with the few vectors that stand in its source.
// WEIR_REQUIRE_IMPL, as in "sha256_pairs:minio,blake3:zeebo", lists
// implementations that must be available: skipping them fails, because a skip
// hides untested code.
package hashtest

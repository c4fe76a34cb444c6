package hash_test

import (
	gohash "hash"
	"testing"

	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/hash/hashtest"
)

func TestImplementations(t *testing.T) {
	hashtest.RunAll(t, hash.Implementations())
}

// TestDispatched runs the suite over the exported functions themselves, with
// whatever the measurement or WEIR_IMPL chose.
func TestDispatched(t *testing.T) {
	for _, im := range []hash.Implementation{
		{Kernel: "sha256", One: hash.SHA256},
		{Kernel: "sha256_pairs", Pairs: hash.SHA256Pairs},
		{Kernel: "sha256_nodes", Pairs: hash.SHA256Nodes},
		{Kernel: "sha256d_pairs", Pairs: hash.SHA256DPairs},
		{Kernel: "sha256_many", Many: hash.SHA256Many, Leaves: hash.SHA256Leaves, Records: hash.SHA256Records},
		{Kernel: "blake3", One: hash.BLAKE3},
		{Kernel: "blake3_many", Many: hash.BLAKE3Many},
		{Kernel: "blake3_chunks", Chunks: hash.BLAKE3Chunks},
		{Kernel: "blake3_parents", Pairs: hash.BLAKE3Parents},
	} {
		t.Run(im.Kernel, func(t *testing.T) { hashtest.Run(t, im) })
	}
}

func newBLAKE3() gohash.Hash { return hash.NewBLAKE3() }

func TestStreams(t *testing.T) {
	t.Run("sha256", func(t *testing.T) { hashtest.Stream(t, hash.NewSHA256, hash.SHA256) })
	t.Run("blake3", func(t *testing.T) { hashtest.Stream(t, newBLAKE3, hash.BLAKE3) })
}

func TestHMACSHA256(t *testing.T) {
	hashtest.HMACSHA256(t, hash.NewSHA256)
}

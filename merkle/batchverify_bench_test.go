package merkle

import (
	"context"
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// stdVerify is the verifier that one would write with the standard library: no
// interface, no allocation.
func stdVerify(s *Scheme, p *Inclusion) bool {
	var h Hash
	if s == Bitcoin {
		h = Hash(p.Leaf)
	} else {
		d := sha256.New()
		d.Write([]byte{0})
		d.Write(p.Leaf)
		d.Sum(h[:0])
	}
	var buf [1 + 2*HashSize]byte
	buf[0] = 1
	for level, sibling := range p.Path { // of a tree of 2^20 leaves
		if p.Index>>level&1 == 0 {
			copy(buf[1:], h[:])
			copy(buf[1+HashSize:], sibling[:])
		} else {
			copy(buf[1:], sibling[:])
			copy(buf[1+HashSize:], h[:])
		}
		if s == Bitcoin {
			h = sha256.Sum256(buf[1:])
			h = sha256.Sum256(h[:])
		} else {
			h = sha256.Sum256(buf[:])
		}
	}
	return h == p.Root
}

// BenchmarkVerifyBatch checks 10 000 proofs of depth 20, of leaves of 200 bytes
// where leaves are hashed: with the standard library one by one, with
// VerifyInclusion one by one, in a batch, and in a batch that is not allowed to
// see that the proofs are about one tree (apart), in turn, so that whatever else
// the machine does hits all of them. Metrics that begin with x are ratios.
func BenchmarkVerifyBatch(b *testing.B) {
	const depth, proofs = 20, 10000
	for _, s := range []*Scheme{RFC6962, Bitcoin} {
		b.Run(s.Name(), func(b *testing.B) {
			size := 200
			if s.LeavesAreNodes() {
				size = HashSize
			}
			leaves := benchLeaves(1<<depth, size)
			tree := mustBuild(b, s, leaves)
			rng := rand.New(rand.NewPCG(1, 1))
			items := make([]Inclusion, proofs)
			for i := range items {
				items[i] = provenTree{tree, leaves}.inclusion(b, rng.Uint64N(1<<depth), false)
				items[i].Leaf, items[i].Path = slices.Clone(items[i].Leaf), slices.Clone(items[i].Path) // as received
			}
			v, apart := NewVerifier(s), NewVerifier(s)
			apart.from = math.MaxInt // as if each proof had a tree of its own
			var std, single, batch, lanes time.Duration
			for b.Loop() {
				at := time.Now()
				for i := range items {
					if !stdVerify(s, &items[i]) {
						b.Fatalf("proof %d", i)
					}
				}
				std += time.Since(at)
				at = time.Now()
				for i := range items {
					if err := items[i].Verify(s); err != nil {
						b.Fatal(err)
					}
				}
				single += time.Since(at)
				at = time.Now()
				if failed, err := v.Inclusions(context.Background(), items, nil); err != nil {
					b.Fatal(failed, err)
				}
				batch += time.Since(at)
				at = time.Now()
				if failed, err := apart.Inclusions(context.Background(), items, nil); err != nil {
					b.Fatal(failed, err)
				}
				lanes += time.Since(at)
			}
			perProof := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) / proofs }
			b.ReportMetric(perProof(std), "std-ns/proof")
			b.ReportMetric(perProof(single), "single-ns/proof")
			b.ReportMetric(perProof(batch), "batch-ns/proof")
			b.ReportMetric(perProof(lanes), "apart-ns/proof")
			b.ReportMetric(float64(std)/float64(batch), "x-std")
			b.ReportMetric(float64(std)/float64(lanes), "x-std-apart")
			b.ReportMetric(float64(single)/float64(batch), "x-single")
		})
	}
}

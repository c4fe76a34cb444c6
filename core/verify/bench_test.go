package verify_test

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

// BenchmarkVerify is the rate that the node's pipeline is compared with. One
// operation is one signature of a transaction: 1 024 at once, each from another
// account, with the points of all keys kept or of none; "same" is 1 024 from
// one account. The library rows are curve25519-voi's own batch verification,
// with its expanded keys of 1.5 KB or with raw keys.
func BenchmarkVerify(b *testing.B) {
	keys, txs := signers(verify.MaxBatch, verify.MaxBatch)
	none, _ := signers(1, 0)
	for i := 1; i < verify.MaxBatch; i++ {
		none.Append(*keys.Key(uint32(i)))
	}
	one := sameSender(verify.MaxBatch)
	status := make([]tx.Status, verify.MaxBatch)
	for _, n := range []int{64, 256, 512, verify.MaxBatch} {
		b.Run(fmt.Sprintf("kept/%d", n), batchOf(keys, txs[:n]))
	}
	b.Run("raw/1024", batchOf(none, txs))
	b.Run("same/1024", batchOf(keys, one))
	b.Run("single/kept", func(b *testing.B) {
		v := verify.NewBatch(chain, keys)
		v.Verify(txs, status)
		for i := 0; b.Loop(); i++ {
			v.Verify(txs[i%len(txs):][:1], status[:1])
		}
		perSecond(b, 1)
	})
	expanded := make([]*voi.ExpandedPublicKey, len(txs))
	for i := range expanded {
		expanded[i] = verify.Expand(keys.Key(uint32(i))[:])
	}
	b.Run("library/expanded/1024", libraryBatch(keys, txs, expanded))
	b.Run("library/raw/1024", libraryBatch(keys, txs, make([]*voi.ExpandedPublicKey, len(txs))))
}

// batchOf verifies the transactions again and again.
func batchOf(keys *verify.Keys, txs []tx.View) func(*testing.B) {
	return func(b *testing.B) {
		status := make([]tx.Status, len(txs))
		v := verify.NewBatch(chain, keys)
		v.Verify(txs, status)
		b.ReportAllocs()
		for b.Loop() {
			v.Verify(txs, status)
		}
		perSecond(b, len(txs))
		wantOK(b, status)
	}
}

func libraryBatch(keys *verify.Keys, txs []tx.View, expanded []*voi.ExpandedPublicKey) func(*testing.B) {
	return func(b *testing.B) {
		l := verify.NewLibraryBatch()
		var msg []byte
		b.ReportAllocs()
		for b.Loop() {
			for i, t := range txs {
				msg = t.AppendSigning(msg[:0], &chain)
				l.Add(expanded[i], keys.Key(t.From())[:], msg, t.Signature())
			}
			if !l.Verify() {
				b.Fatal("a good batch does not verify")
			}
		}
		perSecond(b, len(txs))
	}
}

func wantOK(t testing.TB, status []tx.Status) {
	t.Helper()
	for i, s := range status {
		if s != tx.StatusOK {
			t.Fatalf("transaction %d is %s", i, s)
		}
	}
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "sig/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sig")
}

// sameSender is n transfers from account 0.
func sameSender(n int) []tx.View {
	k := privateKey(0)
	txs := make([]tx.View, n)
	for i := range txs {
		f := tx.Fields{Kind: tx.KindTransfer, To: 1, Amount: 2, Nonce: uint64(i + 1), Expiry: 4}
		txs[i] = f.AppendUnsigned(nil)
		txs[i].Sign(&chain, k)
	}
	return txs
}

// BenchmarkPoints is what keeping points is worth: the share of signatures whose
// key is kept, for accounts drawn uniformly and by Zipf's law with s = 1.07,
// eight times as many as places; and the cost of finding one and of not.
func BenchmarkPoints(b *testing.B) {
	const places, accounts = 1 << 14, 1 << 17
	var p curve.EdwardsPoint
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.07, 1, accounts-1)
	uniform := rand.New(rand.NewPCG(1, 2))
	scatter := uniform.Perm(accounts)
	for _, c := range []struct {
		name string
		draw func() uint32
	}{
		{"uniform", func() uint32 { return uint32(uniform.IntN(accounts)) }},
		{"zipf", func() uint32 { return uint32(scatter[zipf.Uint64()]) }},
		{"zipf neighbours", func() uint32 { return uint32(zipf.Uint64()) }},
	} {
		for _, policy := range []string{"first come", "second chance"} {
			b.Run(c.name+"/"+policy, func(b *testing.B) {
				cache := verify.NewPoints(places)
				first := map[uint32]bool{}
				hits, n := 0, 0
				draw := func() {
					slot := c.draw()
					var hit bool
					if policy == "first come" {
						if hit = first[slot]; !hit && len(first) < places {
							first[slot] = true
						}
					} else if hit = cache.Get(slot, &p); !hit {
						cache.Put(slot, &p)
					}
					n++
					if hit {
						hits++
					}
				}
				// Every account registers first, so that those that came first are
				// not those that come often.
				for slot := range uint32(accounts) {
					if policy != "first come" {
						cache.Put(slot, &p)
					} else if len(first) < places {
						first[slot] = true
					}
				}
				for range 1 << 20 {
					draw()
				}
				hits, n = 0, 0
				for b.Loop() {
					draw()
				}
				b.ReportMetric(100*float64(hits)/float64(n), "%hit")
			})
		}
	}
	b.Run("decompress", func(b *testing.B) {
		key := [32]byte(privateKey(7).Public().(ed25519.PublicKey))
		for b.Loop() {
			if !verify.Decompress(&p, key[:]) {
				b.Fatal("a key is no point")
			}
		}
	})
}

func TestBytesPerPoint(t *testing.T) {
	if n := reflect.TypeFor[curve.EdwardsPoint]().Size(); n > verify.BytesPerPoint {
		t.Errorf("a point has %d bytes, the cache reckons with %d", n, verify.BytesPerPoint)
	}
}

package verify_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

// lanes is a kernel of the other shape: it checks every signature by itself and
// answers with a bitmap.
type lanes struct{ vs []verify.Triple }

func (k *lanes) Reset() { k.vs = k.vs[:0] }

func (k *lanes) Add(_ uint32, key *[32]byte, msg, sig []byte) bool {
	k.vs = append(k.vs, verify.Triple{Key: key[:], Msg: slices.Clone(msg), Sig: slices.Clone(sig)})
	return true
}

func (k *lanes) Check(lo, hi int, bad *verify.Bitmap) verify.Verdict {
	v := verify.AllGood
	for i := lo; i < hi; i++ {
		if !k.vs[i].Library() {
			bad.Set(i)
			v = verify.Each
		}
	}
	return v
}

var sharedSigners = sync.OnceValues(func() (*verify.Keys, []tx.View) { return signers(200, 100) })

// Whatever is bad in whatever client's part, every transaction gets the verdict
// that it gets alone, from both shapes of kernel, and a client without bad
// signatures pays for one more batch at most.
func TestGroupsModel(t *testing.T) {
	keys, good := sharedSigners()
	multi := verify.NewBatch(chain, keys)
	single := verify.NewBatchWith(chain, keys, new(lanes))
	rapid.Check(t, func(t *rapid.T) {
		var (
			txs    []tx.View
			status []tx.Status
			groups []verify.Group
			want   []tx.Status
			bads   []int
		)
		for range rapid.IntRange(1, 8).Draw(t, "clients") {
			n := rapid.IntRange(0, 40).Draw(t, "n")
			ofTen := rapid.SampledFrom([]int{0, 0, 0, 1, 3, 10}).Draw(t, "bad of ten")
			count := 0
			for range n {
				v, s, w := good[len(txs)%len(good)], tx.StatusOK, tx.StatusOK
				switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
				case kind < ofTen:
					v, w = spoiled(v, kind), tx.StatusBadSignature
					count++
				case kind == 9 && ofTen > 0:
					s, w = tx.StatusNonceUsed, tx.StatusNonceUsed
				}
				txs, status, want = append(txs, v), append(status, s), append(want, w)
			}
			share := rapid.SampledFrom([]float64{0, 0.05, 0.5}).Draw(t, "share")
			groups = append(groups, verify.Group{End: len(txs), BadShare: share, Bad: 99, Cost: 99})
			bads = append(bads, count)
		}
		for _, v := range []*verify.Batch{multi, single} {
			got, gs := slices.Clone(status), slices.Clone(groups)
			verify.Groups(v, txs, got, gs)
			if !slices.Equal(got, want) {
				t.Fatalf("%v, want %v", got, want)
			}
			lo := 0
			for i, g := range gs {
				if g.Bad != bads[i] {
					t.Errorf("client %d: %d bad signatures, want %d", i, g.Bad, bads[i])
				}
				if n := g.End - lo; g.Bad == 0 && g.Cost > max(2*n, verify.SingleCost*min(n, 8)+n) && g.BadShare < 0.5 {
					t.Errorf("client %d without bad signatures pays %d for %d", i, g.Cost, n)
				}
				if g.Cost < 0 || g.Bad > 0 && g.Cost == 0 {
					t.Errorf("client %d pays %d", i, g.Cost)
				}
				lo = g.End
			}
		}
	})
}

// A verifier that knows no groups still says how many are bad in each.
type ungrouped struct{ verify.Verifier }

func TestGroupsOfAnyVerifier(t *testing.T) {
	keys, txs := signers(20, 0)
	txs[3], txs[15] = spoiled(txs[3], 0), spoiled(txs[15], 1)
	groups := []verify.Group{{End: 10}, {End: 10}, {End: 20}}
	verify.Groups(ungrouped{verify.NewBatch(chain, keys)}, txs, make([]tx.Status, 20), groups)
	for i, want := range []verify.Group{{End: 10, Bad: 1, Cost: 10}, {End: 10}, {End: 20, Bad: 1, Cost: 10}} {
		if groups[i] != want {
			t.Errorf("group %d: %+v, want %+v", i, groups[i], want)
		}
	}
}

// Groups that cross the limit of one kernel batch keep their counts.
func TestGroupsOverSeveralBatches(t *testing.T) {
	keys, some := signers(50, 50)
	var txs []tx.View
	for len(txs) < 2*verify.MaxBatch+300 {
		txs = append(txs, some[len(txs)%50])
	}
	groups := []verify.Group{{End: 700}, {End: 1500}, {End: len(txs)}}
	for _, at := range []int{0, 699, 1023, 1024, 1499, len(txs) - 1} {
		txs[at] = spoiled(txs[at], at)
	}
	status := make([]tx.Status, len(txs))
	verify.NewBatch(chain, keys).VerifyGroups(txs, status, groups)
	for i, want := range []int{2, 3, 1} {
		if groups[i].Bad != want {
			t.Errorf("group %d: %d bad, want %d", i, groups[i].Bad, want)
		}
	}
}

// A key that is asked for again and again stays, whatever passes through its
// set; keys that come once push each other out.
func TestSecondChance(t *testing.T) {
	cache := verify.NewPoints(8)
	var p curve.EdwardsPoint
	for slot := range uint32(8) {
		cache.Put(slot, &p)
	}
	hot := []uint32{1, 4, 6}
	for slot := uint32(100); slot < 1000; slot++ {
		for _, h := range hot {
			if !cache.Get(h, &p) {
				t.Fatalf("slot %d was pushed out before slot %d came", h, slot)
			}
		}
		cache.Put(slot, &p)
		if !cache.Get(slot, &p) {
			t.Fatalf("slot %d is not kept", slot)
		}
	}
	if cache.Kept() != 8 {
		t.Errorf("%d are kept, want 8", cache.Kept())
	}
}

// The cache gives back what it was given, or nothing.
func TestPointsModel(t *testing.T) {
	byKey := make([]curve.EdwardsPoint, 40)
	for i := range byKey {
		if !verify.Decompress(&byKey[i], privateKey(i)[32:]) {
			t.Fatal("a key is no point")
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 40).Draw(t, "limit")
		cache := verify.NewPoints(limit)
		put := map[uint32]bool{}
		for range 200 {
			slot := rapid.Uint32Range(0, 39).Draw(t, "slot")
			if rapid.Bool().Draw(t, "put") {
				cache.Put(slot, &byKey[slot])
				put[slot] = true
			}
			var p curve.EdwardsPoint
			if cache.Get(slot, &p) && (!put[slot] || p.Equal(&byKey[slot]) != 1) {
				t.Fatalf("slot %d has another point", slot)
			}
		}
		if cache.Kept() > limit {
			t.Fatalf("%d are kept, the limit is %d", cache.Kept(), limit)
		}
	})
}

// In the steady state nothing is allocated but what the multiplication needs
// for itself, which is per batch.
func TestVerifyAllocations(t *testing.T) {
	keys, txs := signers(128, 64)
	status := make([]tx.Status, len(txs))
	b := verify.NewBatch(chain, keys)
	b.Verify(txs, status)
	if n := testing.AllocsPerRun(10, func() { b.Verify(txs, status) }); n > 4 {
		t.Errorf("%v allocations per batch", n)
	}
}

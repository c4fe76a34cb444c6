package verify_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

var chain = tx.ChainID{1, 2, 3}

func privateKey(i int) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte("verify test"), uint64(i)))
	return ed25519.NewKeyFromSeed(seed[:])
}

// signers returns a table of n accounts and one signed transfer of each.
func signers(n, maxPoints int) (*verify.Keys, []tx.View) {
	keys := verify.NewKeys(maxPoints)
	txs := make([]tx.View, n)
	for i := range n {
		k := privateKey(i)
		keys.Append([32]byte(k.Public().(ed25519.PublicKey)))
		f := tx.Fields{Kind: tx.KindTransfer, From: uint32(i), To: 1, Amount: 2, Nonce: 3, Expiry: 4}
		txs[i] = f.AppendUnsigned(nil)
		txs[i].Sign(&chain, k)
	}
	return keys, txs
}

// spoiled is a copy with a signature that does not verify. Which part is wrong
// goes through all kinds: R, S, S out of range, the message.
func spoiled(v tx.View, kind int) tx.View {
	v = slices.Clone(v)
	switch kind % 4 {
	case 0:
		v.Signature()[0] ^= 1
	case 1:
		v.Signature()[32] ^= 1
	case 2:
		v.Signature()[63] |= 0xf0
	case 3:
		v.Memo()[5]++
	}
	return v
}

func TestEveryPositionOfABadSignature(t *testing.T) {
	keys, txs := signers(40, 20) // half with kept points
	b := verify.NewBatch(chain, keys)
	status := make([]tx.Status, 40)
	check := func(n int, txs []tx.View, bad ...int) {
		t.Helper()
		clear(status)
		b.Verify(txs, status[:n])
		for i, s := range status[:n] {
			want := tx.StatusOK
			if slices.Contains(bad, i) {
				want = tx.StatusBadSignature
			}
			if s != want {
				t.Fatalf("batch of %d with bad %v: transaction %d is %s", n, bad, i, s)
			}
		}
	}
	for n := 1; n <= 40; n++ {
		batch := slices.Clone(txs[:n])
		check(n, batch)
		for at := range n {
			batch[at] = spoiled(txs[at], n+at)
			check(n, batch, at)
			if other := (at * 7) % n; other != at && n%5 == 0 {
				batch[other] = spoiled(txs[other], at)
				check(n, batch, at, other)
				batch[other] = txs[other]
			}
			batch[at] = txs[at]
		}
	}
	all := make([]int, 40)
	for i := range all {
		all[i] = i
		txs[i] = spoiled(txs[i], i)
	}
	check(40, txs, all...)
}

// More than MaxBatch at once are checked all the same.
func TestManyBatches(t *testing.T) {
	keys, txs := signers(50, 50)
	var many []tx.View
	for len(many) < 2*verify.MaxBatch+17 {
		many = append(many, txs[len(many)%50])
	}
	bad := []int{0, verify.MaxBatch - 1, verify.MaxBatch, 2 * verify.MaxBatch, len(many) - 1}
	for _, i := range bad {
		many[i] = spoiled(many[i], i)
	}
	status := make([]tx.Status, len(many))
	verify.NewBatch(chain, keys).Verify(many, status)
	for i, s := range status {
		if (s == tx.StatusBadSignature) != slices.Contains(bad, i) {
			t.Errorf("transaction %d is %s", i, s)
		}
	}
}

func TestOtherStatusesStay(t *testing.T) {
	keys, txs := signers(12, 0)
	f := tx.Fields{Kind: tx.KindTransfer, From: 12}
	txs = append(txs, f.AppendUnsigned(nil))
	status := make([]tx.Status, 13)
	status[3] = tx.StatusMalformed
	txs[3] = nil // must not be looked at
	status[4] = tx.StatusNonceUsed
	txs[4] = spoiled(txs[4], 0)
	verify.NewBatch(chain, keys).Verify(txs, status)
	want := make([]tx.Status, 13)
	want[3], want[4], want[12] = tx.StatusMalformed, tx.StatusNonceUsed, tx.StatusUnknownSender
	if !slices.Equal(status, want) {
		t.Errorf("%v, want %v", status, want)
	}
}

func TestOtherChain(t *testing.T) {
	keys, txs := signers(10, 10)
	other := chain
	other[31] ^= 1
	status := make([]tx.Status, 10)
	verify.NewBatch(other, keys).Verify(txs, status)
	for i, s := range status {
		if s != tx.StatusBadSignature {
			t.Errorf("transaction %d signed for another chain: %s", i, s)
		}
	}
}

// A key that is no point belongs to an account that nobody can sign for. It
// must neither pass nor spoil a batch.
func TestUndecodableKey(t *testing.T) {
	for _, n := range []int{1, 5, 30} {
		for _, maxPoints := range []int{0, 100} {
			keys, txs := signers(n, maxPoints)
			var noPoint [32]byte
			noPoint[0] = 2
			keys.Append(noPoint)
			f := tx.Fields{Kind: tx.KindTransfer, From: uint32(n), Nonce: 1}
			v := tx.View(f.AppendUnsigned(nil))
			v.Sign(&chain, privateKey(0))
			txs = append(txs, v)
			status := make([]tx.Status, n+1)
			verify.NewBatch(chain, keys).Verify(txs, status)
			for i, s := range status {
				if (s == tx.StatusBadSignature) != (i == n) || s != tx.StatusOK && i < n {
					t.Errorf("%d and a key that is no point: transaction %d is %s", n, i, s)
				}
			}
			if kept := keys.Kept(); kept != min(n, maxPoints) {
				t.Errorf("%d points are kept of %d keys that verified", kept, n)
			}
		}
	}
}

func TestKeysTable(t *testing.T) {
	const n = 3*4096 + 5 // several chunks
	keys := verify.NewKeys(0)
	if keys.Key(0) != nil || keys.Len() != 0 {
		t.Error("an empty table has a key")
	}
	var first *[32]byte
	for i := range n {
		var k [32]byte
		binary.LittleEndian.PutUint32(k[:], uint32(i))
		keys.Append(k)
		if i == 0 {
			first = keys.Key(0)
		}
	}
	for i := range uint32(n) {
		if k := keys.Key(i); k == nil || binary.LittleEndian.Uint32(k[:]) != i {
			t.Fatalf("key %d is %v", i, k)
		}
	}
	if keys.Key(n) != nil || keys.Key(1<<32-1) != nil || keys.Len() != n || keys.Key(0) != first {
		t.Error("the table has keys it was not given, or moved one")
	}
}

// Workers that meet on the same keys keep the bound, while slots are added.
func TestKeptPointsBound(t *testing.T) {
	for _, bound := range []int{0, 1, 7, 64} {
		keys, txs := signers(64, bound)
		var wg sync.WaitGroup
		errs := make(chan error, 8)
		start := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-start
				b := verify.NewBatch(chain, keys)
				for range 3 {
					status := make([]tx.Status, len(txs))
					b.Verify(txs, status)
					if i := slices.IndexFunc(status, func(s tx.Status) bool { return s != tx.StatusOK }); i >= 0 {
						errs <- fmt.Errorf("transaction %d is %s", i, status[i])
						return
					}
				}
			})
		}
		wg.Go(func() {
			<-start
			for i := range 5000 {
				keys.Append([32]byte{byte(i), byte(i >> 8), 3})
			}
		})
		close(start)
		wg.Wait()
		select {
		case err := <-errs:
			t.Error(err)
		default:
		}
		if kept := keys.Kept(); kept != bound {
			t.Errorf("bound %d: %d points are kept", bound, kept)
		}
	}
}

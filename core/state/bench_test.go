package state_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// BenchmarkStateRoot commits to 10 000 transfers, which change about 20 000
// records, in a ledger of a million accounts.
func BenchmarkStateRoot(b *testing.B) {
	const accounts, transfers = 1 << 20, 10_000
	s := state.New(accounts)
	for i := range accounts {
		var k [32]byte
		binary.LittleEndian.PutUint64(k[:], uint64(i))
		if _, err := s.Add(k, 1<<40, tx.Membership{}); err != nil {
			b.Fatal(err)
		}
	}
	s.Root()
	rng := rand.New(rand.NewPCG(1, 2))
	from := rng.Perm(accounts)[:transfers]
	status := make([]tx.Status, transfers)
	height := uint64(0)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		height++
		txs := make([]tx.View, transfers)
		for i := range txs {
			f := tx.Fields{Kind: tx.KindTransfer, From: uint32(from[i]), To: uint32(rng.IntN(accounts)), Nonce: height, Amount: 1, Expiry: height}
			txs[i] = f.AppendUnsigned(nil)
		}
		s.Execute(height, txs, status)
		for i, st := range status {
			if st != tx.StatusOK {
				b.Fatalf("transfer %d: %s", i, st)
			}
		}
		b.StartTimer()
		s.Root()
	}
}

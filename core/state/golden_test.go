package state_test

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// The root of a ledger of accounts alone is part of every chain's headers: it
// must stay what the first version computed, through growth and several blocks.
func TestGoldenRoot(t *testing.T) {
	s := state.New(0)
	for i := range 1000 {
		if _, err := s.Add(keyOf(i), uint64(i)*1000, tx.Membership{}); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for height, want := range []string{
		"8382d334de3d1aad03355ba988921b68b0cc3c6323a2c9ddfc71629650433e32",
		"97c148ae13684cec6185c515606de546c9972df19f8e9850e028d673df2312ea",
		"95f935d1987649e3c8f9993f5e2d581d984437438498e7415aae26a9cf3ddd6e",
	} {
		var txs []tx.View
		for i := range 3000 {
			from, to, amount := uint32(rng.IntN(1000)), uint32(rng.IntN(1000)), rng.Uint64N(500_000)
			nonce := uint64(height*3000 + i + 1)
			if i < 300 { // the first version executed a block in its order
				txs = append(txs, register(from, keyOf(1000+int(nonce)), amount, nonce))
			} else {
				txs = append(txs, transfer(from, to, amount, nonce))
			}
		}
		s.Execute(uint64(height), txs, make([]tx.Status, len(txs)))
		if got := s.Root(); hex.EncodeToString(got[:]) != want {
			t.Errorf("after block %d with %d accounts: root %x, want %s", height, s.Len(), got, want)
		}
	}
}

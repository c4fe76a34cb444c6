package state_test

import (
	"testing"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// Executing simple kinds and committing to them allocates nothing.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own allocations would be counted")
	}
	const accounts, transfers = 4096, 2000
	for _, workers := range []int{1, 2} {
		s := state.New(accounts)
		s.SetWorkers(workers)
		for i := range accounts {
			if _, err := s.Add(keyOf(i), 1<<40, tx.Membership{}); err != nil {
				t.Fatal(err)
			}
		}
		txs, status := make([]tx.View, transfers), make([]tx.Status, transfers)
		height := uint64(0)
		arena := make([]byte, 0, transfers*(tx.Size+4+3*tx.OutputSize))
		outs := tx.AppendOutputs(nil, []tx.Output{{To: 1, Amount: 1}, {To: 2, Amount: 1}, {To: 3000, Amount: 1}})
		block := func() {
			height++
			arena = arena[:0]
			for i := range txs {
				f := tx.Fields{Kind: tx.KindTransfer, From: uint32(i), To: uint32(i * 2), Amount: 3, Nonce: height, Expiry: height}
				if i%4 == 0 {
					f.Kind, f.To, f.Tail = tx.KindMultiTransfer, 0, outs
				}
				at := len(arena)
				arena = f.AppendUnsigned(arena)
				txs[i] = arena[at:]
			}
			s.ExecuteOn(workers, height, txs, status)
			for i, st := range status {
				if st != tx.StatusOK {
					t.Fatalf("transaction %d: %s", i, st)
				}
			}
			s.Root()
		}
		block()
		// Starting goroutines may cost the runtime one now and then, never per transaction.
		if n := testing.AllocsPerRun(50, block); n > float64(workers-1)*4 {
			t.Errorf("%d workers: %v allocations per block", workers, n)
		}
	}
}

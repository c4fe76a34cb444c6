package bench

import (
	"testing"

	"github.com/chainweir/weir/core/tx"
)

// A ring never gives an account the same nonce twice, gives every transaction
// whole and canonical, and moves an account's nonces by less than the window that
// the node keeps.
func TestRing(t *testing.T) {
	for _, accounts := range []int{1024, 4096, 1 << 20} {
		r := newRing(accounts)
		used := make([]uint64, accounts)
		total := len(r.raw)/tx.Size + 5000 // into the second time round
		for left := total; left > 0; {
			raw := r.next(feedBatch)
			for len(raw) > 0 {
				v, rest, err := tx.Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				if from := v.From(); v.Nonce() != used[from]+1 || int(v.To()) >= accounts {
					t.Fatalf("%d accounts: nonce %d of account %d follows %d", accounts, v.Nonce(), from, used[from])
				}
				used[v.From()]++
				raw, left = rest, left-1
			}
		}
		if perAccount := feedUnderWay / accounts; perAccount > tx.WindowSize/2 {
			t.Errorf("%d accounts have %d transactions each under way, the window is %d", accounts, perAccount, tx.WindowSize)
		}
	}
}

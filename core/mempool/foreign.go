package mempool

import "github.com/chainweir/weir/core/tx"

// SettleForeign notes what became of transactions that another node had
// admitted: the numbers of those that were executed are used here, too. It is
// called in the order of execution, like Settle.
func (p *Pool) SettleForeign(txs []tx.View, status []tx.Status) {
	w := p.walk()
	defer w.done()
	for i, t := range txs {
		a := w.to(t.From())
		if a == nil || status[i] != tx.StatusOK {
			continue
		}
		a.ledger.Use(t.Nonce())
		if a.waiting == 0 {
			a.window = a.ledger
		} else {
			a.window.Use(t.Nonce())
		}
	}
}

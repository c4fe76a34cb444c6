package state

import (
	"encoding/binary"
	"math"

	"github.com/chainweir/weir/core/tx"
)

// Execute applies the transactions of one block at the given height, in order,
// and writes each one's outcome to status (same length as txs). A transaction
// whose outcome is not StatusOK changed nothing and must not be in the block.
// Signatures are not checked here.
func (s *State) Execute(height uint64, txs []tx.View, status []tx.Status) {
	s.credits, s.opened = s.credits[:0], s.opened[:0]
	registered := s.Len()
	for i, t := range txs {
		status[i] = s.debit(height, t, registered)
	}
	for _, c := range s.credits {
		rec := s.rec(c.slot)
		bal := binary.LittleEndian.Uint64(rec[offBalance:])
		binary.LittleEndian.PutUint64(rec[offBalance:], bal+c.amount)
		s.tree.mark(c.slot)
	}
	for i := range s.opened {
		// The slot of this key was reserved by debit; only the record is new.
		r := &s.opened[i]
		var rec [RecordSize]byte
		copy(rec[:], r.key[:])
		binary.LittleEndian.PutUint64(rec[offBalance:], r.balance)
		slot := uint32(s.Len())
		s.recs = append(s.recs, rec[:]...)
		s.tree.markNew(slot)
	}
}

// debit checks one transaction against the ledger, takes its amount and its
// nonce, and queues its credit. Recipients are the slots registered before the
// block, so that the outcome does not depend on the order of registrations.
//
// No credit can overflow: amounts only move, and genesis bounds their sum.
func (s *State) debit(height uint64, t tx.View, registered int) tx.Status {
	from := t.From()
	if int(from) >= registered {
		return tx.StatusUnknownSender
	}
	if height > t.Expiry() {
		return tx.StatusExpired
	}
	rec := s.rec(from)
	w := window(rec)
	nonce := t.Nonce()
	if st := w.Check(nonce); st != tx.StatusOK {
		return st
	}
	amount := t.Amount()
	bal := binary.LittleEndian.Uint64(rec[offBalance:])
	if bal < amount {
		return tx.StatusInsufficient
	}
	switch t.Kind() {
	case tx.KindTransfer:
		to := t.To()
		if int(to) >= registered {
			return tx.StatusUnknownTo
		}
		s.credits = append(s.credits, credit{to, amount})
	case tx.KindRegister:
		key := [32]byte(t.Subject())
		slot := registered + len(s.opened)
		if _, taken := s.slots[key]; taken || uint64(slot) > math.MaxUint32 {
			return tx.StatusKeyTaken
		}
		s.slots[key] = uint32(slot)
		s.opened = append(s.opened, register{key, amount})
	default:
		return tx.StatusMalformed
	}
	binary.LittleEndian.PutUint64(rec[offBalance:], bal-amount)
	w.Use(nonce)
	putWindow(rec, &w)
	s.tree.mark(from)
	return tx.StatusOK
}

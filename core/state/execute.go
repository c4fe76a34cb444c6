package state

import (
	"encoding/binary"

	"github.com/chainweir/weir/core/tx"
)

// Execute applies the transactions of one block, as tx.Parse returned them, at
// the given height and writes each one's outcome to status (same length as txs).
// A transaction whose outcome is not StatusOK changed nothing and must not be in
// the block. Signatures are not checked here.
//
// First come the kinds that are not Simple, in block order; then the simple
// ones' debits, each sender's in block order; then all credits; role changes
// come last. Who is registered and what role he has is therefore as before the
// block. The outcome is the same for any number of workers: senders and
// recipients are dealt to lanes by slot, a lane's records are touched by one
// worker, and the order of additions does not matter.
func (s *State) Execute(height uint64, txs []tx.View, status []tx.Status) {
	lanes := 1
	if len(txs) >= parallelTxs {
		lanes = s.workers
	}
	s.executeOn(lanes, height, txs, status)
}

// parallelTxs is the size of a block from which it is spread over cores. Below,
// waking another core twice costs about what it saves: on a virtual machine of
// two cores, blocks of 10 000 took from two thirds to nearly twice the time of
// one worker.
const parallelTxs = 64 << 10

// block is what the lanes of a running Execute share.
type block struct {
	height     uint64
	txs        []tx.View
	registered uint32 // slots before the block
	lanes      int
}

// lane is the part of a block whose senders fall into one share of the slots.
type lane struct {
	own     []uint32    // transactions, in block order
	status  []tx.Status // of these; gathered here since neighbours in the block fall into other lanes
	out     [][]credit  // by the recipients' lanes
	marked  int
	touched byte
	_       [64]byte // lanes are written by different cores
}

type credit struct {
	slot   uint32
	amount uint64
}

func (s *State) executeOn(lanes int, height uint64, txs []tx.View, status []tx.Status) {
	s.block = block{height: height, txs: txs, registered: uint32(s.Len()), lanes: lanes}
	b := &s.block
	for i := range lanes {
		l := &s.lanes[i]
		l.own, l.status, l.marked = l.own[:0], l.status[:0], 0
		for r := range lanes {
			l.out[r] = l.out[r][:0]
		}
	}
	for _, t := range []*table{&s.accounts, &s.items, &s.keys} {
		for _, u := range t.undo {
			u.reserve(lanes)
		}
	}
	for i, t := range txs {
		if !t.Kind().Simple() {
			status[i] = s.special(t)
			continue
		}
		l := &s.lanes[b.laneOf(t.From())]
		l.own = append(l.own, uint32(i))
	}
	s.crew.run(lanes, lanes, s.debits)
	s.crew.run(lanes, lanes, s.credits)
	for i := range lanes {
		l := &s.lanes[i]
		s.accounts.marked += l.marked
		for k, at := range l.own {
			status[at] = l.status[k]
		}
	}
	s.changeRoles()
	s.block = block{}
}

// laneOf deals slots by 512, which share a cache line of the dirty bitmap. The
// product scatters neighbours, since new accounts are often the busy ones.
func (b *block) laneOf(slot uint32) int {
	return int(uint64(slot>>9*0x9e3779b1) * uint64(b.lanes) >> 32)
}

// touchAhead is how many records are fetched from memory at a time. As nothing
// waits for what is read, a processor fetches dozens at once. The loops that do
// it are small, so that many of their reads fit into what it looks at together.
const touchAhead = 64

func touchSenders(slabs []slab, txs []tx.View, own []uint32, registered uint32) (sum byte) {
	for _, i := range own {
		if from := txs[i].From(); from < registered {
			sum ^= slabs[from>>slabBits].recs[int(from&(1<<slabBits-1))*RecordSize]
		}
	}
	return sum
}

func touchRecipients(slabs []slab, credits []credit) (sum byte) {
	for i := range credits {
		slot := credits[i].slot
		sum ^= slabs[slot>>slabBits].recs[int(slot&(1<<slabBits-1))*RecordSize]
	}
	return sum
}

// debitLane executes a lane's transactions up to their credits.
func (s *State) debitLane(_, number int) {
	l := &s.lanes[number]
	b := &s.block
	for own := l.own; len(own) > 0; {
		next := own[:min(len(own), touchAhead)]
		own = own[len(next):]
		l.touched ^= touchSenders(s.accounts.slabs, b.txs, next, b.registered)
		for _, i := range next {
			l.status = append(l.status, s.debit(number, l, b.txs[i]))
		}
	}
}

// debit checks one transaction against the ledger, takes its amount and its
// nonce, and queues its credits. Recipients are the slots registered before the
// block, so that the outcome does not depend on the order of registrations.
//
// No credit can overflow: amounts only move, and genesis bounds their sum.
func (s *State) debit(number int, l *lane, t tx.View) tx.Status {
	b := &s.block
	rec, w, st := s.admit(t)
	if st != tx.StatusOK {
		return st
	}
	amount := t.Amount()
	if binary.LittleEndian.Uint64(rec[offBalance:]) < amount {
		return tx.StatusInsufficient
	}
	if t.Kind() == tx.KindTransfer {
		to := t.To()
		if to >= b.registered {
			return tx.StatusUnknownTo
		}
		r := b.laneOf(to)
		l.out[r] = append(l.out[r], credit{to, amount})
	} else {
		n := t.NumOutputs()
		for i := range n { // all or nothing
			if t.Output(i).To >= b.registered {
				return tx.StatusUnknownTo
			}
		}
		for i := range n {
			o := t.Output(i)
			r := b.laneOf(o.To)
			l.out[r] = append(l.out[r], credit{o.To, o.Amount})
		}
	}
	l.marked++
	s.take(number, t, amount, &w)
	return tx.StatusOK
}

// admit checks what every kind needs: a sender that may send, a height before
// the expiry, a fresh nonce.
func (s *State) admit(t tx.View) (rec []byte, w tx.Window, st tx.Status) {
	from := t.From()
	if from >= s.block.registered {
		return nil, w, tx.StatusUnknownSender
	}
	rec = s.accounts.rec(from)
	if !membership(rec).Role.Sends() {
		return nil, w, tx.StatusNotMember
	}
	if s.block.height > t.Expiry() {
		return nil, w, tx.StatusExpired
	}
	w = window(rec)
	return rec, w, w.Check(t.Nonce())
}

// take takes a transaction's amount and its nonce from the sender.
func (s *State) take(lane int, t tx.View, amount uint64, w *tx.Window) {
	rec := s.accounts.edit(lane, t.From())
	bal := binary.LittleEndian.Uint64(rec[offBalance:])
	binary.LittleEndian.PutUint64(rec[offBalance:], bal-amount)
	w.Use(t.Nonce())
	putWindow(rec, w)
}

// creditLane gives the recipients of one lane what all senders moved to them.
func (s *State) creditLane(_, number int) {
	mine := &s.lanes[number]
	for i := range s.block.lanes {
		credits := s.lanes[i].out[number]
		mine.marked += len(credits)
		for len(credits) > 0 {
			next := credits[:min(len(credits), touchAhead)]
			credits = credits[len(next):]
			mine.touched ^= touchRecipients(s.accounts.slabs, next)
			for _, c := range next {
				rec := s.accounts.edit(number, c.slot)
				bal := binary.LittleEndian.Uint64(rec[offBalance:])
				binary.LittleEndian.PutUint64(rec[offBalance:], bal+c.amount)
			}
		}
	}
}

package state

import (
	"encoding/binary"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/hash"
)

// special executes a transaction of a kind that is not Simple.
func (s *State) special(t tx.View) tx.Status {
	rec, w, st := s.admit(t)
	if st != tx.StatusOK {
		return st
	}
	var amount uint64
	switch t.Kind() {
	case tx.KindRegister:
		amount = t.Amount()
		st = s.register(t, rec)
	case tx.KindCreateCollection:
		st = s.createCollection(t)
	case tx.KindMint:
		st = s.mint(t)
	case tx.KindTransferItem:
		st = s.transferItem(t)
	case tx.KindBurn:
		st = s.burn(t)
	case tx.KindPut:
		st = s.put(t)
	case tx.KindSetRole:
		st = s.setRole(t, rec)
	default:
		st = tx.StatusMalformed
	}
	if st == tx.StatusOK {
		s.accounts.marked++
		s.take(0, t, amount, &w)
	}
	return st
}

// register opens a slot. The sender's record is charged by the caller.
func (s *State) register(t tx.View, sender []byte) tx.Status {
	if s.adminRegistration && membership(sender).Role != tx.RoleAdmin {
		return tx.StatusNotAllowed
	}
	if binary.LittleEndian.Uint64(sender[offBalance:]) < t.Amount() {
		return tx.StatusInsufficient
	}
	if _, taken := s.accounts.find(t.Subject(), 0); taken || s.accounts.n >= maxSlots {
		return tx.StatusKeyTaken
	}
	s.open(t.Subject(), t.Amount(), tx.Membership{})
	return tx.StatusOK
}

// event is the transaction as a step of an ownership history.
func (s *State) event(t tx.View, to uint32) Event {
	return Event{Height: s.block.height, Nonce: t.Nonce(), From: t.From(), To: to, Kind: t.Kind()}
}

func (s *State) createCollection(t tx.View) tx.Status {
	if s.items.n >= maxSlots {
		return tx.StatusFull
	}
	s.openItem(t, SortCollection, t.From(), 0, t.Amount(), 0, s.event(t, t.From()))
	return tx.StatusOK
}

func (s *State) mint(t tx.View) tx.Status {
	le := binary.LittleEndian
	col, ok := s.item(t.Amount(), SortCollection)
	if !ok {
		return tx.StatusNoCollection
	}
	if itemOwner(col) != t.From() {
		return tx.StatusNotOwner
	}
	if t.To() >= s.block.registered {
		return tx.StatusUnknownTo
	}
	limit, minted := le.Uint64(col[offItemLimit:]), le.Uint64(col[offItemMinted:])
	if limit != 0 && minted >= limit || s.items.n >= maxSlots {
		return tx.StatusFull
	}
	collection := uint32(t.Amount())
	if _, taken := s.items.find(t.Subject(), collection); taken {
		return tx.StatusDuplicate
	}
	s.items.marked++
	le.PutUint64(s.items.edit(0, collection)[offItemMinted:], minted+1)
	s.items.enter(s.openItem(t, SortItem, t.To(), collection, s.block.height, minted+1, s.event(t, t.To())))
	return tx.StatusOK
}

func (s *State) transferItem(t tx.View) tx.Status {
	rec, ok := s.item(t.Amount(), SortItem, SortCollection)
	if !ok {
		return tx.StatusNoItem
	}
	if itemOwner(rec) != t.From() {
		return tx.StatusNotOwner
	}
	if t.To() >= s.block.registered {
		return tx.StatusUnknownTo
	}
	rec = s.step(t, t.To())
	le := binary.LittleEndian
	le.PutUint32(rec[offItemOwner:], t.To())
	le.PutUint64(rec[offItemTransfers:], le.Uint64(rec[offItemTransfers:])+1) // of 48 bits: never overflows
	return tx.StatusOK
}

func (s *State) burn(t tx.View) tx.Status {
	rec, ok := s.item(t.Amount(), SortItem)
	if !ok {
		return tx.StatusNoItem
	}
	if itemOwner(rec) != t.From() {
		return tx.StatusNotOwner
	}
	s.step(t, 0)[offItemSort] = byte(SortBurnt)
	return tx.StatusOK
}

// step adds a link to the history of the item in amount and returns its record
// to be changed.
func (s *State) step(t tx.View, to uint32) []byte {
	s.items.marked++
	rec := s.items.edit(0, uint32(t.Amount()))
	link := s.event(t, to).Next([32]byte(rec[offItemHistory:]))
	copy(rec[offItemHistory:], link[:])
	return rec
}

func (s *State) put(t tx.View) tx.Status {
	le := binary.LittleEndian
	var rec []byte
	slot, ok := s.keys.find(t.Subject(), t.From())
	switch {
	case ok:
		s.keys.marked++
		rec = s.keys.edit(0, slot)
	case s.keys.n >= maxSlots:
		return tx.StatusFull
	default:
		slot, rec = s.keys.grow()
		copy(rec, t.Subject())
		le.PutUint32(rec[offKeyOwner:], t.From())
		s.keys.enter(slot)
	}
	value := hash.SHA256(t.Tail())
	copy(rec[offKeyValue:], value[:])
	le.PutUint32(rec[offKeyLength:], uint32(len(t.Tail())))
	le.PutUint64(rec[offKeyVersion:], le.Uint64(rec[offKeyVersion:])+1)
	le.PutUint64(rec[offKeyHeight:], s.block.height)
	return tx.StatusOK
}

// roleChange is a membership that holds from the next block on.
type roleChange struct {
	slot uint32
	to   tx.Membership
}

// setRole queues a change of membership; of several for one account the last
// counts. The last administrator keeps the role, whoever wants to take it, since
// a chain without one could never give roles again. All changes of a block come
// at once, so an earlier one of the same block may provide the successor.
func (s *State) setRole(t tx.View, sender []byte) tx.Status {
	if membership(sender).Role != tx.RoleAdmin {
		return tx.StatusNotAllowed
	}
	to := t.To()
	if to >= s.block.registered {
		return tx.StatusUnknownTo
	}
	m, ok := tx.ParseMembership(t.Amount())
	if !ok {
		return tx.StatusMalformed
	}
	was := membership(s.accounts.rec(to))
	at, again := s.roleAt[to]
	if again {
		was = s.roles[at].to
	}
	switch {
	case was.Role == tx.RoleAdmin && m.Role != tx.RoleAdmin:
		if s.admins == 1 {
			return tx.StatusNotAllowed
		}
		s.admins--
	case was.Role != tx.RoleAdmin && m.Role == tx.RoleAdmin:
		s.admins++
	}
	if again {
		s.roles[at].to = m
		return tx.StatusOK
	}
	s.roleAt[to] = len(s.roles)
	s.roles = append(s.roles, roleChange{to, m})
	return tx.StatusOK
}

// changeRoles writes the block's changes of membership.
func (s *State) changeRoles() {
	s.roleOut = s.roleOut[:0]
	if len(s.roles) == 0 {
		return
	}
	for _, c := range s.roles {
		if membership(s.accounts.rec(c.slot)) != c.to {
			s.accounts.marked++
			putMembership(s.accounts.edit(0, c.slot), c.to)
			s.roleOut = append(s.roleOut, c.slot)
		}
	}
	s.roles = s.roles[:0]
	clear(s.roleAt)
}

// RoleChanges returns the account slots whose membership the last Execute
// changed, each once. It is valid until the next. New accounts are not among
// them.
func (s *State) RoleChanges() []uint32 { return s.roleOut }

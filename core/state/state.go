// Package state holds the ledger: fixed-size records under dense slots, one
// table each for accounts, for items and their collections, and for key-values,
// and a Merkle commitment over all of them.
//
// A block is executed in two phases, debits and then credits, so that what a
// transaction may spend never depends on a credit of its own block. That makes
// the outcome independent of how the work is split over cores. Records are kept
// in their hashed form, so committing a block gathers the records that changed
// and hashes them without any re-encoding.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/tx"
)

// RecordSize is the length of an account record.
//
//	 0 public key [32] | 32 balance u64 | 40 highest nonce u48 | 46 role u8 |
//	47 validator u8 | 48 nonce bitmap [16]
const RecordSize = 64

const (
	offBalance   = 32
	offHigh      = 40
	offRole      = 46
	offValidator = 47
	offBitmap    = 48
)

// What a slot does not name.
var (
	// ErrNoSlot says that an account slot is not registered.
	ErrNoSlot = errors.New("account slot is not registered")
	// ErrNoItem says that an item slot is not in use.
	ErrNoItem = errors.New("there is no such item")
	// ErrNoKey says that a key slot is not in use.
	ErrNoKey = errors.New("there is no such key")
)

// State is the ledger after some block. It is not safe for concurrent use: the
// node guards it with one lock that is never held across I/O.
type State struct {
	accounts, items, keys table

	admins            int // accounts with that role, the block's changes included
	adminRegistration bool
	workers           int

	// What Execute and Root keep between blocks.
	block    block
	lanes    []lane
	roles    []roleChange
	roleAt   map[uint32]int // slot to its place in roles
	roleOut  []uint32
	hashers  []hasher
	fresh    []uint32
	hashing  *table
	summary  Summary
	crew     crew
	debits   func(worker, piece int) // debitLane, creditLane and hashPiece,
	credits  func(worker, piece int) // bound once
	subtrees func(worker, piece int)
}

// Account is one account's record, decoded.
type Account struct {
	PublicKey [32]byte
	Balance   uint64
	Window    tx.Window
	tx.Membership
}

// New returns an empty ledger with room for n accounts.
func New(n int) *State {
	s := &State{
		accounts: newTable(RecordSize, tagAccount, 0, n),
		items:    newTable(ItemSize, tagItem, offItemCollection, 0),
		keys:     newTable(KeySize, tagKey, offKeyOwner, 0),
		roleAt:   make(map[uint32]int),
	}
	s.accounts.reserve(n)
	s.debits, s.credits, s.subtrees = s.debitLane, s.creditLane, s.hashPiece
	s.SetWorkers(1)
	return s
}

// maxWorkers bounds the memory that a slip of a digit asks for.
const maxWorkers = 256

// SetWorkers lets Execute and Root use n cores, from 1 to 256; other numbers
// become the nearest of these. What they compute does not depend on it.
func (s *State) SetWorkers(n int) {
	n = max(1, min(n, maxWorkers))
	s.workers = n
	s.hashers = make([]hasher, n)
	s.lanes = make([]lane, n)
	for i := range s.lanes {
		const apart = 8 // lanes write their slices' lengths all the time, so on cache lines of their own
		s.lanes[i].out = make([][]credit, n, n+apart)
	}
}

// SetAdminRegistration says whether only administrators register accounts. It is
// a rule of the chain, not part of the ledger; without it every member does.
func (s *State) SetAdminRegistration(only bool) { s.adminRegistration = only }

// Add opens the next slot. It serves genesis and replay; a running chain adds
// accounts by registration. It fails on a key that has a slot.
func (s *State) Add(key [32]byte, balance uint64, m tx.Membership) (uint32, error) {
	if old, ok := s.FindAccount(key); ok {
		return 0, fmt.Errorf("public key %x has slot %d already", key[:8], old)
	}
	if s.accounts.n >= maxSlots {
		return 0, fmt.Errorf("all %d account slots are taken", s.accounts.n)
	}
	return s.open(key[:], balance, m), nil
}

// open gives a key that has none the next slot.
func (s *State) open(key []byte, balance uint64, m tx.Membership) uint32 {
	slot, rec := s.accounts.grow()
	copy(rec, key)
	binary.LittleEndian.PutUint64(rec[offBalance:], balance)
	putMembership(rec, m)
	s.accounts.enter(slot)
	if m.Role == tx.RoleAdmin {
		s.admins++
	}
	return slot
}

// Len is the number of registered slots.
func (s *State) Len() int { return s.accounts.n }

// FindAccount returns the slot of a public key.
func (s *State) FindAccount(key [32]byte) (slot uint32, ok bool) {
	return s.accounts.find(key[:], 0)
}

// Record returns the record of a slot as it is hashed. The bytes are the
// ledger's own: read them under its lock and do not keep them.
func (s *State) Record(slot uint32) ([]byte, error) {
	return s.accounts.record(slot, ErrNoSlot)
}

// Account returns the decoded record of a slot.
func (s *State) Account(slot uint32) (Account, error) {
	rec, err := s.Record(slot)
	if err != nil {
		return Account{}, err
	}
	return DecodeRecord(rec), nil
}

// DecodeRecord decodes an account record of RecordSize bytes.
func DecodeRecord(rec []byte) Account {
	var a Account
	copy(a.PublicKey[:], rec)
	a.Balance = binary.LittleEndian.Uint64(rec[offBalance:])
	a.Window = window(rec)
	a.Membership = membership(rec)
	return a
}

func membership(rec []byte) tx.Membership {
	return tx.Membership{Role: tx.Role(rec[offRole]), Validator: rec[offValidator] == 1}
}

func putMembership(rec []byte, m tx.Membership) {
	rec[offRole], rec[offValidator] = byte(m.Role), 0
	if m.Validator {
		rec[offValidator] = 1
	}
}

func window(rec []byte) tx.Window {
	return tx.Window{
		High: binary.LittleEndian.Uint64(rec[offHigh:]) & tx.MaxNonce,
		Bitmap: [2]uint64{
			binary.LittleEndian.Uint64(rec[offBitmap:]),
			binary.LittleEndian.Uint64(rec[offBitmap+8:]),
		},
	}
}

func putWindow(rec []byte, w *tx.Window) {
	rest := binary.LittleEndian.Uint64(rec[offHigh:]) &^ tx.MaxNonce
	binary.LittleEndian.PutUint64(rec[offHigh:], w.High|rest)
	binary.LittleEndian.PutUint64(rec[offBitmap:], w.Bitmap[0])
	binary.LittleEndian.PutUint64(rec[offBitmap+8:], w.Bitmap[1])
}

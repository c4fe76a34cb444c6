// Package state holds the ledger: one fixed 64-byte record per account slot and
// a Merkle commitment over all of them.
//
// A block is executed in two phases, debits in block order and then credits, so
// that what a transaction may spend never depends on a credit of its own block.
// That makes the outcome independent of how the work is later split over cores.
// Records are kept in their hashed form, so committing a block gathers the
// records that changed and hashes them without any re-encoding.
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

// ErrNoSlot says that an account slot is not registered.
var ErrNoSlot = errors.New("account slot is not registered")

// State is the ledger after some block. It is not safe for concurrent use: the
// node guards it with one lock that is never held across I/O.
type State struct {
	recs  []byte // RecordSize bytes per slot
	slots map[[32]byte]uint32
	tree  tree

	// Scratch of Execute, kept between blocks.
	credits []credit
	opened  []register
}

type credit struct {
	slot   uint32
	amount uint64
}

type register struct {
	key     [32]byte
	balance uint64
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
	return &State{recs: make([]byte, 0, n*RecordSize), slots: make(map[[32]byte]uint32, n)}
}

// Add opens the next slot. It serves genesis and replay; a running chain adds
// accounts by registration. It fails on a key that has a slot.
func (s *State) Add(key [32]byte, balance uint64, m tx.Membership) (uint32, error) {
	if old, ok := s.slots[key]; ok {
		return 0, fmt.Errorf("public key %x has slot %d already", key[:8], old)
	}
	slot := uint32(s.Len())
	var rec [RecordSize]byte
	copy(rec[:], key[:])
	binary.LittleEndian.PutUint64(rec[offBalance:], balance)
	putMembership(rec[:], m)
	s.recs = append(s.recs, rec[:]...)
	s.slots[key] = slot
	s.tree.markNew(slot)
	return slot, nil
}

// Len is the number of registered slots.
func (s *State) Len() int { return len(s.recs) / RecordSize }

// Record returns the record of a slot as it is hashed. The bytes are the
// ledger's own: read them under its lock and do not keep them.
func (s *State) Record(slot uint32) ([]byte, error) {
	if int(slot) >= s.Len() {
		return nil, fmt.Errorf("%w: slot %d of %d", ErrNoSlot, slot, s.Len())
	}
	return s.rec(slot), nil
}

func (s *State) rec(slot uint32) []byte {
	return s.recs[int(slot)*RecordSize:][:RecordSize:RecordSize]
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

package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/hash"
)

// ItemSize is the length of an item record. Collections and items share their
// slots: a collection is the item that its own items name.
//
//	  0 content hash [32] | 32 SHA-256 of the metadata [32] | 64 history [32] |
//	 96 owner u32 | 100 collection u32 | 104 transfers u48 | 110 sort u8 | 111 zero |
//	112 limit u64: of a collection, 0 for none; of an item the height of its mint |
//	120 minted u64: of a collection, how many; of an item its number there, from 1
//
// A collection's own slot stands in its collection field. A burnt item keeps its
// record: its last owner, its history and its content, which stays taken.
const ItemSize = 128

const (
	offItemMetadata   = 32
	offItemHistory    = 64
	offItemOwner      = 96
	offItemCollection = 100
	offItemTransfers  = 104
	offItemSort       = 110
	offItemLimit      = 112
	offItemMinted     = 120

	maxTransfers = 1<<48 - 1
)

// Sort tells what an item slot holds.
type Sort uint8

// The sorts.
const (
	SortCollection Sort = 1
	SortItem       Sort = 2
	SortBurnt      Sort = 3
)

// Item is one item's or collection's record, decoded.
type Item struct {
	Content    [32]byte // hash of what it stands for; unique among a collection's items
	Metadata   [32]byte // SHA-256 of the tail of the transaction that made it
	History    [32]byte // the last link of its ownership history, see Event
	Owner      uint32
	Collection uint32
	Transfers  uint64 // how often it changed hands
	Sort       Sort
	Limit      uint64 // collections: how many items it may ever have, 0 for any number
	Minted     uint64 // collections: how many it has or had
	Height     uint64 // items: of the block that minted it
	Number     uint64 // items: its place among the collection's, from 1
}

// DecodeItem decodes an item record of ItemSize bytes.
func DecodeItem(rec []byte) Item {
	le := binary.LittleEndian
	it := Item{
		Content: [32]byte(rec), Metadata: [32]byte(rec[offItemMetadata:]), History: [32]byte(rec[offItemHistory:]),
		Owner: le.Uint32(rec[offItemOwner:]), Collection: le.Uint32(rec[offItemCollection:]),
		Transfers: le.Uint64(rec[offItemTransfers:]) & maxTransfers, Sort: Sort(rec[offItemSort]),
	}
	a, b := le.Uint64(rec[offItemLimit:]), le.Uint64(rec[offItemMinted:])
	if it.Sort == SortCollection {
		it.Limit, it.Minted = a, b
	} else {
		it.Height, it.Number = a, b
	}
	return it
}

// Event is one step of an item's or a collection's ownership: how it came to be,
// each transfer, its end. The record holds the last link of the chain
//
//	link = SHA-256(link before ‖ height u64 ‖ nonce u64 ‖ from u32 ‖ to u32 ‖ kind u8)
//
// that begins with 32 zero bytes, so that nobody can leave a step out of a
// history or add one.
type Event struct {
	Height uint64
	Nonce  uint64 // of the transaction; with From it names it
	From   uint32 // who signed: the owner before, or the collection's owner for a mint
	To     uint32 // the owner after; 0 for a burn
	Kind   tx.Kind
}

// Next is the link after prev.
func (e Event) Next(prev [32]byte) [32]byte {
	var buf [57]byte
	b := append(buf[:0], prev[:]...)
	b = binary.LittleEndian.AppendUint64(b, e.Height)
	b = binary.LittleEndian.AppendUint64(b, e.Nonce)
	b = binary.LittleEndian.AppendUint32(b, e.From)
	b = binary.LittleEndian.AppendUint32(b, e.To)
	return hash.SHA256(append(b, byte(e.Kind)))
}

// ErrHistory says that events are not an item's complete ownership history.
var ErrHistory = errors.New("ownership history does not match the item")

// VerifyHistory checks that the events, oldest first, are the whole ownership
// history of an item: no step missing, added or changed.
func VerifyHistory(it Item, events []Event) error {
	var link [32]byte
	var transfers uint64
	var owner uint32
	burnt := false
	for i, e := range events {
		creates := e.Kind == tx.KindMint || e.Kind == tx.KindCreateCollection
		switch {
		case creates != (i == 0) || burnt:
			return fmt.Errorf("%w: event %d is a %s", ErrHistory, i, e.Kind)
		case creates:
			owner = e.To
		case e.From != owner:
			return fmt.Errorf("%w: event %d is from slot %d, the owner was %d", ErrHistory, i, e.From, owner)
		case e.Kind == tx.KindTransferItem:
			owner = e.To
			transfers++
		case e.Kind == tx.KindBurn:
			burnt = true
		default:
			return fmt.Errorf("%w: event %d is a %s", ErrHistory, i, e.Kind)
		}
		link = e.Next(link)
	}
	switch {
	case transfers != it.Transfers:
		return fmt.Errorf("%w: %d transfers, the record counts %d", ErrHistory, transfers, it.Transfers)
	case owner != it.Owner || burnt != (it.Sort == SortBurnt):
		return fmt.Errorf("%w: it ends with slot %d, burnt %v; the record says slot %d, burnt %v",
			ErrHistory, owner, burnt, it.Owner, it.Sort == SortBurnt)
	case link != it.History:
		return fmt.Errorf("%w: its last link is %x, the record has %x", ErrHistory, link[:8], it.History[:8])
	}
	return nil
}

// NumItems is the number of item slots in use, collections and burnt items
// included.
func (s *State) NumItems() int { return s.items.n }

// ItemRecord returns an item's record as it is hashed; see Record.
func (s *State) ItemRecord(slot uint32) ([]byte, error) {
	return s.items.record(slot, ErrNoItem)
}

// FindItem returns the slot of a collection's item by its content, also of a
// burnt one.
func (s *State) FindItem(collection uint32, content [32]byte) (slot uint32, ok bool) {
	return s.items.find(content[:], collection)
}

// openItem opens the next item slot.
func (s *State) openItem(t tx.View, sort Sort, owner, collection uint32, limit, minted uint64, e Event) uint32 {
	slot, rec := s.items.grow()
	if sort == SortCollection {
		collection = slot
	}
	le := binary.LittleEndian
	copy(rec, t.Subject())
	metadata, link := hash.SHA256(t.Tail()), e.Next([32]byte{})
	copy(rec[offItemMetadata:], metadata[:])
	copy(rec[offItemHistory:], link[:])
	le.PutUint32(rec[offItemOwner:], owner)
	le.PutUint32(rec[offItemCollection:], collection)
	rec[offItemSort] = byte(sort)
	le.PutUint64(rec[offItemLimit:], limit)
	le.PutUint64(rec[offItemMinted:], minted)
	return slot
}

// item returns the record of an item slot if it holds one of these sorts.
func (s *State) item(slot uint64, sorts ...Sort) ([]byte, bool) {
	if slot >= uint64(s.items.n) {
		return nil, false
	}
	rec := s.items.rec(uint32(slot))
	for _, sort := range sorts {
		if rec[offItemSort] == byte(sort) {
			return rec, true
		}
	}
	return nil, false
}

func itemOwner(rec []byte) uint32 { return binary.LittleEndian.Uint32(rec[offItemOwner:]) }

// KeySize is the length of a key-value record. The value itself is in the
// transaction that put it there.
//
//	 0 key [32] | 32 SHA-256 of the value [32] | 64 owner u32 | 68 value length u32 |
//	72 version u64 | 80 height u64 | 88 zero [8]
const KeySize = 96

const (
	offKeyValue   = 32
	offKeyOwner   = 64
	offKeyLength  = 68
	offKeyVersion = 72
	offKeyHeight  = 80
	offKeyZero    = 88
)

// KeyValue is one key's record, decoded.
type KeyValue struct {
	Key        [32]byte
	ValueHash  [32]byte // SHA-256
	Owner      uint32   // two owners' equal keys are different ones
	ValueBytes uint32
	Version    uint64 // how often the owner has put it
	Height     uint64 // of the block that put it last
}

// DecodeKey decodes a key record of KeySize bytes.
func DecodeKey(rec []byte) KeyValue {
	le := binary.LittleEndian
	return KeyValue{
		Key: [32]byte(rec), ValueHash: [32]byte(rec[offKeyValue:]), Owner: le.Uint32(rec[offKeyOwner:]),
		ValueBytes: le.Uint32(rec[offKeyLength:]), Version: le.Uint64(rec[offKeyVersion:]), Height: le.Uint64(rec[offKeyHeight:]),
	}
}

// NumKeys is the number of keys that were ever put.
func (s *State) NumKeys() int { return s.keys.n }

// KeyRecord returns a key's record as it is hashed; see Record.
func (s *State) KeyRecord(slot uint32) ([]byte, error) {
	return s.keys.record(slot, ErrNoKey)
}

// FindKey returns the slot of an owner's key.
func (s *State) FindKey(owner uint32, key [32]byte) (slot uint32, ok bool) {
	return s.keys.find(key[:], owner)
}

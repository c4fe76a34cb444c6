package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
)

// A snapshot is the ledger's records, nothing that follows from them, and
// nothing of the chain: whoever keeps it says at which height it was taken and
// compares Root. All numbers are little-endian.
//
//	header  magic "weirsnap" | version u32 = 1 | slots per chunk u32 = 1024 |
//	        accounts u64 | items u64 | keys u64 | CRC-32C u32 of the bytes before
//	then, for accounts, items and keys in this order, for each chunk of up to
//	1024 slots: its records | CRC-32C u32 of tree u8 ‖ chunk number u32 ‖ records
//
// There is one encoding of a ledger, and nothing follows the last chunk.
const (
	snapshotMagic   = "weirsnap"
	snapshotVersion = 1
	snapshotHead    = 8 + 4 + 4 + numTrees*8 + 4
	sumSize         = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrReleased says that a frozen ledger was written or released before.
var ErrReleased = errors.New("the frozen ledger was released")

// Frozen is the ledger as it was at one moment, while the ledger goes on. It
// costs the records that change until it is written, so do not keep it.
type Frozen struct {
	s    *State
	undo [numTrees]*undo
}

// Freeze begins a consistent copy of the ledger as it is now. The caller holds
// the node's lock. It copies nothing: from now on Execute keeps what each record
// was before its first change, until WriteTo has passed it. Whoever freezes must
// call WriteTo or Release. Several copies may be in the making.
func (s *State) Freeze() *Frozen {
	f := &Frozen{s: s}
	for i, t := range s.tables() {
		f.undo[i] = newUndo(t)
		t.undo = append(t.undo, f.undo[i])
	}
	return f
}

// Size is the number of bytes that WriteTo writes.
func (f *Frozen) Size() int64 {
	n := int64(snapshotHead)
	for _, u := range f.undo {
		n += int64(u.n)*int64(u.size) + int64(u.chunks())*sumSize
	}
	return n
}

// Release ends the copy without writing it, under the node's lock. After WriteTo
// it does nothing.
func (f *Frozen) Release(lock sync.Locker) {
	lock.Lock()
	defer lock.Unlock()
	if f.s == nil {
		return
	}
	for i, t := range f.s.tables() {
		t.undo = slices.DeleteFunc(t.undo, func(u *undo) bool { return u == f.undo[i] })
	}
	f.s = nil
}

// WriteTo writes the snapshot and returns how many bytes w took. It holds the
// lock, which guards the ledger, only while it copies a chunk of up to 128 KiB,
// never across a write. The copy is released at the end, also on an error of w,
// which is returned wrapped.
func (f *Frozen) WriteTo(w io.Writer, lock sync.Locker) (int64, error) {
	lock.Lock()
	s := f.s
	lock.Unlock()
	if s == nil {
		return 0, ErrReleased
	}
	defer f.Release(lock)
	buf := make([]byte, 0, chunkSlots*ItemSize+sumSize)
	buf = append(buf, snapshotMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, snapshotVersion)
	buf = binary.LittleEndian.AppendUint32(buf, chunkSlots)
	for _, u := range f.undo {
		buf = binary.LittleEndian.AppendUint64(buf, uint64(u.n))
	}
	buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
	k, err := w.Write(buf)
	total := int64(k)
	if err != nil {
		return total, fmt.Errorf("state: snapshot header: %w", err)
	}
	for i, t := range s.tables() {
		u := f.undo[i]
		for number := range u.chunks() {
			lock.Lock()
			buf = u.chunk(buf[:cap(buf)], t, number)
			lock.Unlock()
			sum := chunkSum(Tree(i), number, buf)
			k, err := w.Write(binary.LittleEndian.AppendUint32(buf, sum))
			total += int64(k)
			if err != nil {
				return total, fmt.Errorf("state: snapshot of %s, chunk %d: %w", Tree(i), number, err)
			}
		}
	}
	return total, nil
}

// chunkSum covers the chunk's place too, so that none can stand for another.
func chunkSum(tree Tree, number int, records []byte) uint32 {
	var place [5]byte
	place[0] = byte(tree)
	binary.LittleEndian.PutUint32(place[1:], uint32(number))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, records)
}

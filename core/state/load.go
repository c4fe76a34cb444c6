package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/chainweir/weir/core/tx"
)

// ErrSnapshot says that bytes are no snapshot of this version, or a damaged one.
var ErrSnapshot = errors.New("snapshot is not valid")

// ReadSnapshot reads what WriteTo has written, up to the end of r. Everything
// that the ledger's own rules guarantee is checked, one record at a time, and
// memory grows with the bytes that came, whatever the header promises. That it
// is the ledger of some block only its root tells: compare Root. Bad bytes are
// ErrSnapshot, with the place; errors of r are returned wrapped.
func ReadSnapshot(r io.Reader) (*State, error) {
	var head [snapshotHead]byte
	if err := readFull(r, head[:], "header"); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	body := head[:snapshotHead-sumSize]
	switch version, slots := le.Uint32(head[8:]), le.Uint32(head[12:]); {
	case string(head[:8]) != snapshotMagic:
		return nil, fmt.Errorf("%w: it begins with %q, want %q", ErrSnapshot, head[:8], snapshotMagic)
	case version != snapshotVersion:
		return nil, fmt.Errorf("%w: version %d, this build reads %d", ErrSnapshot, version, snapshotVersion)
	case crc32.Checksum(body, castagnoli) != le.Uint32(head[len(body):]):
		return nil, fmt.Errorf("%w: the header's checksum does not match", ErrSnapshot)
	case slots != chunkSlots:
		return nil, fmt.Errorf("%w: chunks of %d slots, want %d", ErrSnapshot, slots, chunkSlots)
	}
	l := loader{s: New(0), numbers: make(map[uint32]uint64)}
	check := [numTrees]func([]byte) error{l.account, l.item, l.key}
	buf := make([]byte, chunkSlots*ItemSize+sumSize)
	for i, t := range l.s.tables() {
		count := le.Uint64(head[16+8*i:])
		if count > maxSlots {
			return nil, fmt.Errorf("%w: %d %s, at most %d have slots", ErrSnapshot, count, Tree(i), maxSlots)
		}
		for number := 0; uint64(t.n) < count; number++ {
			n := int(min(chunkSlots, count-uint64(t.n))) * t.size
			if err := readFull(r, buf[:n+sumSize], fmt.Sprintf("chunk %d of the %s", number, Tree(i))); err != nil {
				return nil, err
			}
			if chunkSum(Tree(i), number, buf[:n]) != le.Uint32(buf[n:]) {
				return nil, fmt.Errorf("%w: the checksum of chunk %d of the %s does not match", ErrSnapshot, number, Tree(i))
			}
			for at := 0; at < n; at += t.size {
				if err := check[i](buf[at : at+t.size]); err != nil {
					return nil, fmt.Errorf("%w: %s slot %d: %w", ErrSnapshot, Tree(i), t.n, err)
				}
			}
		}
	}
	if err := l.collections(); err != nil {
		return nil, err
	}
	if n, err := io.ReadFull(r, buf[:1]); n != 0 {
		return nil, fmt.Errorf("%w: bytes follow its end", ErrSnapshot)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("state: end of the snapshot: %w", err)
	}
	return l.s, nil
}

func readFull(r io.Reader, b []byte, what string) error {
	n, err := io.ReadFull(r, b)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends after %d of %d bytes of its %s", ErrSnapshot, n, len(b), what)
	case err != nil:
		return fmt.Errorf("state: %s of the snapshot: %w", what, err)
	}
	return nil
}

// loader adds records to a ledger and holds them to the ledger's rules.
type loader struct {
	s       *State
	supply  uint64
	numbers map[uint32]uint64 // items seen, by collection
}

func (l *loader) account(rec []byte) error {
	a := DecodeRecord(rec)
	if rec[offValidator] > 1 {
		return fmt.Errorf("validator flag %d", rec[offValidator])
	}
	if _, ok := tx.ParseMembership(a.Amount()); !ok {
		return fmt.Errorf("role %d", a.Role)
	}
	w, beyond := a.Window, [2]uint64{} // nonces start at 1, so a low window has bits that stay clear
	if w.High < 64 {
		beyond = [2]uint64{math.MaxUint64 << w.High, math.MaxUint64}
	} else if w.High < tx.WindowSize {
		beyond[1] = math.MaxUint64 << (w.High - 64)
	}
	if w.Bitmap[0]&beyond[0] != 0 || w.Bitmap[1]&beyond[1] != 0 || w.High > 0 && w.Bitmap[0]&1 == 0 {
		return fmt.Errorf("nonce bitmap %x that no use of nonces up to %d leaves", w.Bitmap, w.High)
	}
	if a.Balance > math.MaxUint64-l.supply {
		return errors.New("the balances up to here exceed 2^64-1")
	}
	l.supply += a.Balance
	if other, taken := l.s.FindAccount(a.PublicKey); taken {
		return fmt.Errorf("public key %x is that of slot %d", a.PublicKey[:8], other)
	}
	slot := l.s.open(rec[:32], a.Balance, a.Membership)
	copy(l.s.accounts.rec(slot), rec)
	return nil
}

func (l *loader) item(rec []byte) error {
	it, t := DecodeItem(rec), &l.s.items
	if it.Owner >= uint32(l.s.Len()) {
		return fmt.Errorf("owner %d of %d accounts", it.Owner, l.s.Len())
	}
	if rec[offItemSort+1] != 0 {
		return errors.New("a reserved byte is set")
	}
	switch it.Sort {
	case SortCollection:
		if int(it.Collection) != t.n {
			return fmt.Errorf("a collection that says it is slot %d", it.Collection)
		}
		if it.Limit != 0 && it.Minted > it.Limit {
			return fmt.Errorf("%d items of at most %d", it.Minted, it.Limit)
		}
	case SortItem, SortBurnt:
		if _, ok := l.s.item(uint64(it.Collection), SortCollection); !ok {
			return fmt.Errorf("an item of slot %d, which is no collection before it", it.Collection)
		}
		if want := l.numbers[it.Collection] + 1; it.Number != want {
			return fmt.Errorf("number %d in collection %d, want %d", it.Number, it.Collection, want)
		}
		l.numbers[it.Collection]++
		if other, taken := l.s.FindItem(it.Collection, it.Content); taken {
			return fmt.Errorf("its content is that of slot %d", other)
		}
	default:
		return fmt.Errorf("sort %d", it.Sort)
	}
	slot, dst := t.grow()
	copy(dst, rec)
	if it.Sort != SortCollection {
		t.enter(slot)
	}
	return nil
}

// collections checks that the collections have as many items as they say.
func (l *loader) collections() error {
	for slot := range uint32(l.s.NumItems()) {
		it := DecodeItem(l.s.items.rec(slot))
		if it.Sort == SortCollection && it.Minted != l.numbers[slot] {
			return fmt.Errorf("%w: items slot %d: a collection of %d items, %d are there", ErrSnapshot, slot, it.Minted, l.numbers[slot])
		}
	}
	return nil
}

func (l *loader) key(rec []byte) error {
	k, t := DecodeKey(rec), &l.s.keys
	switch {
	case k.Owner >= uint32(l.s.Len()):
		return fmt.Errorf("owner %d of %d accounts", k.Owner, l.s.Len())
	case k.ValueBytes > tx.MaxTail:
		return fmt.Errorf("a value of %d bytes, at most %d are allowed", k.ValueBytes, tx.MaxTail)
	case k.Version == 0 || binary.LittleEndian.Uint64(rec[offKeyZero:]) != 0:
		return fmt.Errorf("version %d, or a reserved byte is set", k.Version)
	}
	if other, taken := l.s.FindKey(k.Owner, k.Key); taken {
		return fmt.Errorf("its key is that of slot %d", other)
	}
	slot, dst := t.grow()
	copy(dst, rec)
	t.enter(slot)
	return nil
}

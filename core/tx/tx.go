// Package tx defines weir's transaction and block header encodings, their
// identifiers and their signatures.
//
// All encodings are fixed-layout and little-endian. A transaction is parsed in
// place: a View is a slice of the bytes that came from the socket or the log,
// and reading a field is one load. There is exactly one encoding of every
// transaction; Parse rejects all others, so that two nodes can never disagree
// about an identifier or a Merkle leaf.
package tx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the transaction format's version, the first byte of each.
const Version = 1

// Layout of a transaction, in bytes.
//
//	  0 version u8 | 1 kind u8 | 2 flags u16 | 4 from u32 | 8 to u32 | 12 reserved u32
//	 16 amount u64 | 24 nonce u64 | 32 expiry height u64
//	 40 subject [32] | 72 memo [64] | 136 signature [64]
//	200 end, or: 200 tail length u32 | 204 tail
//
// The only flag, 1, says that there is a tail. Tails are signed.
const (
	Size          = 200 // without a tail
	MaxSize       = Size + tailHead + MaxTail
	BodySize      = 136 // what is signed, without the domain tag and the chain id
	SignatureSize = 64
	KeySize       = 32

	offKind     = 1
	offFlags    = 2
	offFrom     = 4
	offTo       = 8
	offReserved = 12
	offAmount   = 16
	offNonce    = 24
	offExpiry   = 32
	offSubject  = 40
	offMemo     = 72
	offSig      = BodySize
	offTail     = Size + tailHead

	tailHead = 4
)

// MemoSize is the number of free bytes that a transaction carries.
const MemoSize = offSig - offMemo

// Errors of Parse. The wrapped text names the value.
var (
	ErrTruncated   = errors.New("transaction is cut short")
	ErrVersion     = errors.New("transaction version is not supported")
	ErrUnknownKind = errors.New("transaction kind is unknown")
	ErrNotCanon    = errors.New("transaction is not in canonical form")
)

// ChainID names a chain: the hash of its genesis. It is part of every signed
// message but is not carried in the transaction.
type ChainID [32]byte

// ID identifies a transaction: SHA-256 of its signing bytes. It does not cover
// the signature, so a malleated signature cannot give a second identifier.
type ID [32]byte

// View is one encoded transaction. It aliases the buffer that it was parsed
// from and is valid as long as that buffer is.
type View []byte

// Length returns how many bytes the first transaction in b has, without looking
// at anything but its length: Parse may refuse it all the same. It fails with
// ErrTruncated when b ends before, and with ErrNotCanon for a tail over MaxTail.
func Length(b []byte) (int, error) {
	if len(b) < Size {
		return 0, fmt.Errorf("%w: %d bytes left, a transaction has %d", ErrTruncated, len(b), Size)
	}
	if b[offFlags]&flagTail == 0 {
		return Size, nil
	}
	if len(b) < offTail {
		return 0, fmt.Errorf("%w: %d bytes left, a transaction with a tail has at least %d", ErrTruncated, len(b), offTail)
	}
	n := binary.LittleEndian.Uint32(b[Size:])
	if n > MaxTail {
		return 0, fmt.Errorf("%w: a tail of %d bytes, at most %d are allowed", ErrNotCanon, n, MaxTail)
	}
	if len(b)-offTail < int(n) {
		return 0, fmt.Errorf("%w: %d bytes left, the tail has %d", ErrTruncated, len(b)-offTail, n)
	}
	return offTail + int(n), nil
}

// Parse checks the first transaction in b and returns it with the bytes that
// follow it. It allocates nothing unless it fails.
func Parse(b []byte) (View, []byte, error) {
	n, err := Length(b)
	if err != nil {
		return nil, b, err
	}
	v := View(b[:n:n])
	if v[0] != Version {
		return nil, b, fmt.Errorf("%w: version %d, this build reads %d", ErrVersion, v[0], Version)
	}
	if err := v.checkKind(); err != nil {
		return nil, b, err
	}
	flags := uint16(0)
	if v.Kind().HasTail() {
		flags = flagTail
	}
	if f := binary.LittleEndian.Uint16(v[offFlags:]); f != flags || binary.LittleEndian.Uint32(v[offReserved:]) != 0 {
		return nil, b, fmt.Errorf("%w: flags %#x, want %#x, and zero in the reserved bytes", ErrNotCanon, f, flags)
	}
	return v, b[n:], nil
}

func isZero(b []byte) bool {
	var or uint64
	for ; len(b) >= 8; b = b[8:] {
		or |= binary.LittleEndian.Uint64(b)
	}
	return or == 0
}

// Kind returns what the transaction does.
func (v View) Kind() Kind { return Kind(v[offKind]) }

// From returns the sender's account slot.
func (v View) From() uint32 { return binary.LittleEndian.Uint32(v[offFrom:]) }

// To returns the recipient's account slot.
func (v View) To() uint32 { return binary.LittleEndian.Uint32(v[offTo:]) }

// Amount returns how many units move, or what else the kind keeps there.
func (v View) Amount() uint64 { return binary.LittleEndian.Uint64(v[offAmount:]) }

// Nonce returns the sender's number for this transaction, from 1.
func (v View) Nonce() uint64 { return binary.LittleEndian.Uint64(v[offNonce:]) }

// Expiry returns the last block height at which the transaction may be included.
func (v View) Expiry() uint64 { return binary.LittleEndian.Uint64(v[offExpiry:]) }

// Subject returns the 32 bytes that the kind speaks about.
func (v View) Subject() []byte { return v[offSubject:offMemo:offMemo] }

// Memo returns the sender's free bytes.
func (v View) Memo() []byte { return v[offMemo:offSig:offSig] }

// Body returns the fixed part of what is signed; the tail is signed after it.
func (v View) Body() []byte { return v[:BodySize:BodySize] }

// Signature returns the 64-byte Ed25519 signature.
func (v View) Signature() []byte { return v[offSig:Size:Size] }

// Tail returns what follows the fixed part, without its length; nil for kinds
// that have none.
func (v View) Tail() []byte {
	if len(v) < offTail {
		return nil
	}
	return v[offTail:len(v):len(v)]
}

// Fields is a transaction before it is encoded.
type Fields struct {
	Kind    Kind
	From    uint32
	To      uint32
	Amount  uint64
	Nonce   uint64
	Expiry  uint64
	Subject [KeySize]byte
	Memo    [MemoSize]byte
	Tail    []byte // only of kinds that have one
}

// AppendUnsigned appends the encoding with a zero signature. It checks nothing:
// Parse refuses fields that do not go with the kind.
func (f *Fields) AppendUnsigned(dst []byte) []byte {
	flags := byte(0)
	if f.Kind.HasTail() || f.Tail != nil {
		flags = flagTail
	}
	dst = append(dst, Version, byte(f.Kind), flags, 0)
	dst = binary.LittleEndian.AppendUint32(dst, f.From)
	dst = binary.LittleEndian.AppendUint32(dst, f.To)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, f.Amount)
	dst = binary.LittleEndian.AppendUint64(dst, f.Nonce)
	dst = binary.LittleEndian.AppendUint64(dst, f.Expiry)
	dst = append(dst, f.Subject[:]...)
	dst = append(dst, f.Memo[:]...)
	var sig [SignatureSize]byte
	dst = append(dst, sig[:]...)
	if flags == 0 {
		return dst
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.Tail)))
	return append(dst, f.Tail...)
}

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/chainweir/weir/core/tx"
)

// The trees that a Proof may lead through, in the order of Summary.
const (
	TreeAccounts = 0
	TreeItems    = 1
	TreeKeys     = 2
	numTrees     = 3
)

// Summary is what a state root is computed from: the root and the number of
// leaves of each tree.
type Summary [numTrees]struct {
	Root  [32]byte
	Count uint64
}

// Proof is the evidence that a slot of one of the trees holds a record under a
// state root. Package state checks it.
type Proof struct {
	Tree    uint8
	Slot    uint32
	Summary Summary
	Path    [][32]byte
}

// proofFixed is the length of an encoded Proof before its path.
const proofFixed = 1 + 4 + numTrees*40

// Append appends the encoding: tree u8, slot u32, three times root [32] and count
// u64, path.
func (p *Proof) Append(dst []byte) []byte {
	dst = append(dst, p.Tree)
	dst = binary.LittleEndian.AppendUint32(dst, p.Slot)
	for i := range p.Summary {
		dst = append(dst, p.Summary[i].Root[:]...)
		dst = binary.LittleEndian.AppendUint64(dst, p.Summary[i].Count)
	}
	return AppendPath(dst, p.Path)
}

// ParseProof decodes a proof and returns what follows it.
func ParseProof(b []byte) (p Proof, rest []byte, err error) {
	if len(b) < proofFixed {
		return p, b, fmt.Errorf("%w: proof has %d bytes, want at least %d", ErrFrame, len(b), proofFixed)
	}
	if b[0] >= numTrees {
		return p, b, fmt.Errorf("%w: proof through tree %d of %d", ErrFrame, b[0], numTrees)
	}
	p.Tree, p.Slot = b[0], binary.LittleEndian.Uint32(b[1:])
	b = b[5:]
	for i := range p.Summary {
		p.Summary[i].Root = [32]byte(b)
		p.Summary[i].Count = binary.LittleEndian.Uint64(b[32:])
		b = b[40:]
	}
	p.Path, rest, err = ParsePath(b)
	return p, rest, err
}

// MaxRecord bounds the records in answers.
const MaxRecord = 1024

// RecordAnswer is a record of the ledger with the evidence for it.
//
//	0 header [128] | 128 record length u32 | 132 record | proof
type RecordAnswer struct {
	Header tx.Header // the block whose state root anchors the proof; height 0: genesis
	Record []byte    // see package state
	Proof  Proof
}

// Append appends the encoding.
func (a *RecordAnswer) Append(dst []byte) []byte {
	dst = a.Header.Append(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(a.Record)))
	dst = append(dst, a.Record...)
	return a.Proof.Append(dst)
}

// ParseRecordAnswer decodes an answer; the record aliases b.
func ParseRecordAnswer(b []byte) (RecordAnswer, error) {
	a, rest, err := parseRecord(b)
	return a, trailing(rest, err)
}

// KeyAnswer is a stored key's record, with the value if the node still has the
// block that it came in. The record has the value's hash.
type KeyAnswer struct {
	RecordAnswer
	HasValue bool
	Value    []byte
}

// Append appends the encoding: RecordAnswer, 1 u8 and the value, or 0 u8.
func (a *KeyAnswer) Append(dst []byte) []byte {
	dst = a.RecordAnswer.Append(dst)
	if !a.HasValue {
		return append(dst, 0)
	}
	return append(append(dst, 1), a.Value...)
}

// ParseKeyAnswer decodes an answer; record and value alias b.
func ParseKeyAnswer(b []byte) (a KeyAnswer, err error) {
	if a.RecordAnswer, b, err = parseRecord(b); err != nil {
		return a, err
	}
	if len(b) == 0 || b[0] > 1 || b[0] == 0 && len(b) > 1 || len(b) > 1+tx.MaxTail {
		return a, fmt.Errorf("%w: %d bytes where a value should be", ErrFrame, len(b))
	}
	if a.HasValue = b[0] == 1; a.HasValue {
		a.Value = b[1:]
	}
	return a, nil
}

func parseRecord(b []byte) (a RecordAnswer, rest []byte, err error) {
	if a.Header, b, err = parseHeader(b); err != nil {
		return a, b, err
	}
	if len(b) < 4 {
		return a, b, fmt.Errorf("%w: the answer ends before the record", ErrFrame)
	}
	n := binary.LittleEndian.Uint32(b)
	if b = b[4:]; n > MaxRecord || int(n) > len(b) {
		return a, b, fmt.Errorf("%w: a record of %d bytes in %d, at most %d are allowed", ErrFrame, n, len(b), MaxRecord)
	}
	a.Record = b[:n:n]
	a.Proof, rest, err = ParseProof(b[n:])
	return a, rest, err
}

// TxAnswer is a committed transaction with its inclusion proof.
type TxAnswer struct {
	Header tx.Header // the block whose transaction root anchors the proof
	Index  uint32    // place in the block
	Tx     []byte
	Path   [][32]byte // RFC 6962, at Index of Header.Count leaves
}

// Append appends the encoding without the index, which the question has.
func (a *TxAnswer) Append(dst []byte) []byte {
	return AppendPath(append(a.Header.Append(dst), a.Tx...), a.Path)
}

// AppendPlaced appends the encoding with the index in front.
func (a *TxAnswer) AppendPlaced(dst []byte) []byte {
	return a.Append(binary.LittleEndian.AppendUint32(dst, a.Index))
}

// ParseTxAnswer decodes the answer to a question about the index; the
// transaction aliases b. It does not look into the transaction.
func ParseTxAnswer(b []byte, index uint32) (a TxAnswer, err error) {
	a.Index = index
	if a.Header, b, err = parseHeader(b); err != nil {
		return a, err
	}
	n, err := tx.Length(b)
	if err != nil {
		return a, fmt.Errorf("%w: proof answer: %w", ErrFrame, err)
	}
	a.Tx = b[:n:n]
	a.Path, b, err = ParsePath(b[n:])
	return a, trailing(b, err)
}

// ParsePlaced decodes an answer that tells its index.
func ParsePlaced(b []byte) (TxAnswer, error) {
	if len(b) < 4 {
		return TxAnswer{}, fmt.Errorf("%w: the answer ends before the index", ErrFrame)
	}
	return ParseTxAnswer(b[4:], binary.LittleEndian.Uint32(b))
}

// ParseBlock decodes the answer to QueryBlock; the body aliases b.
func ParseBlock(b []byte) (h tx.Header, body []byte, err error) {
	if h, body, err = parseHeader(b); err != nil {
		return h, nil, err
	}
	if uint64(len(body)) != h.BodyBytes {
		return h, nil, fmt.Errorf("%w: a body of %d bytes, its header says %d", ErrFrame, len(body), h.BodyBytes)
	}
	return h, body, nil
}

func parseHeader(b []byte) (tx.Header, []byte, error) {
	h, err := tx.ParseHeader(b)
	if err != nil {
		return h, b, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return h, b[tx.HeaderSize:], nil
}

func trailing(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes after the answer", ErrFrame, len(rest))
	}
	return err
}

// Status of a node.
const (
	HealthOK         = 0
	HealthCatchingUp = 1 // it knows of blocks that are not on its disk yet, and of more than its pipeline holds
	HealthFailed     = 2 // it has stopped for good; Text says why
)

// State of the transaction index.
const (
	IndexOff        = 0
	IndexCatchingUp = 1 // it does not have all blocks yet
	IndexReady      = 2
)

// Health is how a node is.
//
//	0 status u8 | 1 index state u8 | 2 reserved u16 (zero) | 4 height u64 | 12 executed u64 |
//	20 indexed u64 | 28 head time u64 | 36 head age u64 | 44 text
type Health struct {
	Status     uint8
	Index      uint8
	Height     uint64 // last durable block
	Executed   uint64 // last executed block
	Indexed    uint64 // last block in the transaction index
	HeadTimeNS uint64 // Unix time in the head's header
	HeadAgeNS  uint64 // by the node's clock
	Text       string // what stopped the node
}

const healthFixed = 44

// Append appends the encoding.
func (h *Health) Append(dst []byte) []byte {
	dst = append(dst, h.Status, h.Index, 0, 0)
	for _, v := range []uint64{h.Height, h.Executed, h.Indexed, h.HeadTimeNS, h.HeadAgeNS} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return append(dst, h.Text...)
}

// ParseHealth decodes a Health.
func ParseHealth(b []byte) (h Health, err error) {
	if len(b) < healthFixed {
		return h, fmt.Errorf("%w: health has %d bytes, want at least %d", ErrFrame, len(b), healthFixed)
	}
	if b[0] > HealthFailed || b[1] > IndexReady || b[2] != 0 || b[3] != 0 {
		return h, fmt.Errorf("%w: health starts with %x, which this build does not know", ErrFrame, b[:4])
	}
	h.Status, h.Index, h.Text = b[0], b[1], string(b[healthFixed:])
	for i, v := range []*uint64{&h.Height, &h.Executed, &h.Indexed, &h.HeadTimeNS, &h.HeadAgeNS} {
		*v = binary.LittleEndian.Uint64(b[4+8*i:])
	}
	return h, nil
}

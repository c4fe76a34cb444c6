package wire

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/chainweir/weir/core/tx"
)

// SubmitHeaderSize is the length of a Submit payload before its transactions.
const SubmitHeaderSize = 16

// MaxBase is the largest number that a Submit may begin with.
const MaxBase = 1 << 63

// AppendSubmitHeader appends the frame header and the fixed part of a Submit
// whose transactions (encoded, back to back) are txBytes long. Base numbers the
// first of them; the others follow.
func AppendSubmitHeader(dst []byte, base uint64, count, txBytes int) []byte {
	dst = AppendHeader(dst, TypeSubmit, 0, SubmitHeaderSize+txBytes)
	dst = binary.LittleEndian.AppendUint64(dst, base)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(count))
	return binary.LittleEndian.AppendUint32(dst, 0)
}

// ParseSubmit decodes a Submit payload; txs is the rest of it, not yet parsed.
func ParseSubmit(p []byte) (base uint64, count int, txs []byte, err error) {
	if len(p) < SubmitHeaderSize {
		return 0, 0, nil, fmt.Errorf("%w: submit has %d bytes, want at least %d", ErrFrame, len(p), SubmitHeaderSize)
	}
	base = binary.LittleEndian.Uint64(p)
	n := binary.LittleEndian.Uint32(p[8:])
	if n == 0 || n > MaxTxs {
		return 0, 0, nil, fmt.Errorf("%w: submit of %d transactions, want 1 to %d", ErrFrame, n, MaxTxs)
	}
	if r := binary.LittleEndian.Uint32(p[12:]); r != 0 {
		return 0, 0, nil, fmt.Errorf("%w: submit with the reserved field %#x, want 0", ErrFrame, r)
	}
	if base > MaxBase {
		return 0, 0, nil, fmt.Errorf("%w: submit numbered %d, want at most 2^63", ErrFrame, base)
	}
	return base, int(n), p[SubmitHeaderSize:], nil
}

// AppendAck appends an Ack frame; one byte stands for all statuses when they
// are equal, which they nearly always are.
func AppendAck(dst []byte, base uint64, status []tx.Status) []byte {
	uniform := true
	for _, s := range status {
		uniform = uniform && s == status[0]
	}
	flags, n := uint8(0), len(status)
	if uniform {
		flags, n = FlagUniform, 1
	}
	dst = AppendHeader(dst, TypeAck, flags, 12+n)
	dst = binary.LittleEndian.AppendUint64(dst, base)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(status)))
	for _, s := range status[:n] {
		dst = append(dst, byte(s))
	}
	return dst
}

// Ack is a decoded Ack payload.
type Ack struct {
	Base   uint64
	Count  int
	status []byte
}

// Status returns the status of the i-th transaction of the range.
func (a *Ack) Status(i int) tx.Status {
	if len(a.status) == 1 {
		return tx.Status(a.status[0])
	}
	return tx.Status(a.status[i])
}

// Uniform returns the status of all transactions, if they have one in common.
func (a *Ack) Uniform() (tx.Status, bool) { return tx.Status(a.status[0]), len(a.status) == 1 }

// ParseAck decodes an Ack payload, which it aliases.
func ParseAck(p []byte, flags uint8) (Ack, error) {
	if len(p) < 13 {
		return Ack{}, fmt.Errorf("%w: ack has %d bytes, want at least 13", ErrFrame, len(p))
	}
	a := Ack{Base: binary.LittleEndian.Uint64(p), Count: int(binary.LittleEndian.Uint32(p[8:])), status: p[12:]}
	want := a.Count
	if flags&FlagUniform != 0 {
		want = 1
	}
	if a.Count > MaxTxs || len(a.status) != want {
		return Ack{}, fmt.Errorf("%w: ack of %d transactions with %d statuses", ErrFrame, a.Count, len(a.status))
	}
	return a, nil
}

// busySize is the length of a Busy payload.
const busySize = 16

// MaxRetryAfter is the longest wait that a Busy frame tells.
const MaxRetryAfter = time.Hour

// AppendBusy appends a Busy frame: the transactions from base on were not taken,
// and trying them again before the wait is over is in vain. The wait is told in
// microseconds, rounded up, at least one and at most MaxRetryAfter.
func AppendBusy(dst []byte, base uint64, count int, retryAfter time.Duration) []byte {
	dst = AppendHeader(dst, TypeBusy, 0, busySize)
	dst = binary.LittleEndian.AppendUint64(dst, base)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(count))
	return appendWait(dst, retryAfter)
}

func appendWait(dst []byte, wait time.Duration) []byte {
	wait = min(max(wait, time.Microsecond), MaxRetryAfter)
	return binary.LittleEndian.AppendUint32(dst, uint32((wait+time.Microsecond-1)/time.Microsecond))
}

func parseWait(b []byte) (time.Duration, error) {
	wait := time.Duration(binary.LittleEndian.Uint32(b)) * time.Microsecond
	if wait == 0 || wait > MaxRetryAfter {
		return 0, fmt.Errorf("%w: busy for %v, want 1 µs to %v", ErrFrame, wait, MaxRetryAfter)
	}
	return wait, nil
}

// ParseBusy decodes a Busy payload.
func ParseBusy(p []byte) (base uint64, count int, retryAfter time.Duration, err error) {
	if len(p) != busySize {
		return 0, 0, 0, fmt.Errorf("%w: busy has %d bytes, want %d", ErrFrame, len(p), busySize)
	}
	n := binary.LittleEndian.Uint32(p[8:])
	if n == 0 || n > MaxTxs {
		return 0, 0, 0, fmt.Errorf("%w: busy with %d transactions, want 1 to %d", ErrFrame, n, MaxTxs)
	}
	if retryAfter, err = parseWait(p[12:]); err != nil {
		return 0, 0, 0, err
	}
	return binary.LittleEndian.Uint64(p), int(n), retryAfter, nil
}

// Range is a run of a connection's transactions that are neighbours in a block.
type Range struct {
	Seq   uint64 // number of the first
	Count uint32
	Index uint32 // place of the first in the block
}

// RangeSize is the length of an encoded Range.
const RangeSize = 16

// AppendCommit appends a Commit frame.
func AppendCommit(dst []byte, height, timeNS uint64, ranges []Range) []byte {
	dst = AppendHeader(dst, TypeCommit, 0, 16+RangeSize*len(ranges))
	dst = binary.LittleEndian.AppendUint64(dst, height)
	dst = binary.LittleEndian.AppendUint64(dst, timeNS)
	for _, r := range ranges {
		dst = binary.LittleEndian.AppendUint64(dst, r.Seq)
		dst = binary.LittleEndian.AppendUint32(dst, r.Count)
		dst = binary.LittleEndian.AppendUint32(dst, r.Index)
	}
	return dst
}

// ParseCommit decodes a Commit payload into ranges, which it reuses.
func ParseCommit(p []byte, ranges []Range) (height, timeNS uint64, out []Range, err error) {
	if len(p) < 16 || (len(p)-16)%RangeSize != 0 {
		return 0, 0, ranges, fmt.Errorf("%w: commit has %d bytes", ErrFrame, len(p))
	}
	height, timeNS = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
	out = ranges[:0]
	for p = p[16:]; len(p) > 0; p = p[RangeSize:] {
		out = append(out, Range{
			Seq:   binary.LittleEndian.Uint64(p),
			Count: binary.LittleEndian.Uint32(p[8:]),
			Index: binary.LittleEndian.Uint32(p[12:]),
		})
	}
	return height, timeNS, out, nil
}

// Rejection is an accepted transaction that did not make it into a block.
type Rejection struct {
	Seq    uint64
	Status tx.Status
}

const rejectionSize = 9

// AppendReject appends a Reject frame.
func AppendReject(dst []byte, rs []Rejection) []byte {
	dst = AppendHeader(dst, TypeReject, 0, rejectionSize*len(rs))
	for _, r := range rs {
		dst = binary.LittleEndian.AppendUint64(dst, r.Seq)
		dst = append(dst, byte(r.Status))
	}
	return dst
}

// ParseReject decodes a Reject payload.
func ParseReject(p []byte) ([]Rejection, error) {
	if len(p)%rejectionSize != 0 {
		return nil, fmt.Errorf("%w: reject has %d bytes", ErrFrame, len(p))
	}
	rs := make([]Rejection, 0, len(p)/rejectionSize)
	for ; len(p) > 0; p = p[rejectionSize:] {
		rs = append(rs, Rejection{binary.LittleEndian.Uint64(p), tx.Status(p[8])})
	}
	return rs, nil
}

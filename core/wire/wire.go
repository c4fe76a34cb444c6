// Package wire defines the frames that clients and a node exchange over TCP.
//
// A frame is an 8-byte header and a payload, all little-endian:
//
//	0 payload length u32 | 4 type u8 | 5 flags u8 | 6 reserved u16 (zero) | 8 payload
//
// The client speaks first (Hello), the node answers (Welcome), then both sides
// send frames whenever they like. Submissions are pipelined and numbered by the
// client, so that the node can answer a whole range of them in a few bytes.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// HeaderSize is the length of a frame header.
const HeaderSize = 8

// ProtocolVersion is the version that Hello and Welcome carry.
const ProtocolVersion = 1

// Magic opens a Hello, so that a stray client of another protocol is refused at once.
const Magic = 0x72696577 // "weir"

// Limits of a frame. A node may allow less (see Welcome).
const (
	MaxPayload = 4 << 20 // from a client
	MaxReply   = 80 << 20
	MaxTxs     = 16_384 // in one Submit
)

// Type says what a frame carries.
type Type uint8

// Frame types. Numbers never change.
const (
	TypeHello     Type = 1  // client: Hello
	TypeWelcome   Type = 2  // node: Welcome
	TypeSubmit    Type = 3  // client: base u64, count u32, reserved u32, transactions
	TypeAck       Type = 4  // node: base u64, count u32, status u8 (FlagUniform) or count statuses
	TypeSubscribe Type = 5  // client: mode u8
	TypeCommit    Type = 6  // node: height u64, time u64, ranges
	TypeReject    Type = 7  // node: accepted transactions that failed later: {seq u64, status u8}…
	TypeBlock     Type = 8  // node: a block header, 128 bytes
	TypeQuery     Type = 9  // client: id u32, kind u8, arguments
	TypeReply     Type = 10 // node: id u32, code u8, answer or error text
	TypeError     Type = 11 // node: text; the connection ends after it
	TypeBusy      Type = 12 // node: base u64, count u32, retry after u32 (µs); the Ack that refuses the range follows
)

// Flags of a frame, each of one type only.
const (
	FlagUniform = 1 // an Ack with one status for all its transactions
	FlagHints   = 1 // a Welcome of a node that sends Busy to those who ask for it
)

// Subscription modes, a bit set. A client that does not know of Busy frames
// never gets one: it does not set SubscribeHints; and it may set it only where
// the Welcome has FlagHints, because a node that does not know of them refuses it.
const (
	SubscribeOwn     = 1 // Commit and Reject for this connection's submissions
	SubscribeHeaders = 2 // Block for every committed block
	SubscribeHints   = 4 // Busy before every Ack that says StatusBusy

	SubscribeAll = SubscribeOwn | SubscribeHeaders | SubscribeHints
)

// ErrFrame is wrapped by every complaint about a frame.
var ErrFrame = errors.New("bad frame")

// AppendHeader appends a frame header.
func AppendHeader(dst []byte, t Type, flags uint8, payload int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(payload))
	return append(dst, byte(t), flags, 0, 0)
}

// ParseHeader decodes a frame header and refuses payloads over the limit.
func ParseHeader(b []byte, limit int) (t Type, flags uint8, payload int, err error) {
	if len(b) < HeaderSize {
		return 0, 0, 0, fmt.Errorf("%w: header has %d bytes, want %d", ErrFrame, len(b), HeaderSize)
	}
	n := binary.LittleEndian.Uint32(b)
	if n > uint32(limit) {
		return 0, 0, 0, fmt.Errorf("%w: payload of %d bytes, the limit is %d", ErrFrame, n, limit)
	}
	if b[6] != 0 || b[7] != 0 {
		return 0, 0, 0, fmt.Errorf("%w: reserved bytes are not zero", ErrFrame)
	}
	return Type(b[4]), b[5], int(n), nil
}

// ReadFrame reads one frame into buf, which it grows when needed, and returns
// the payload. The payload is valid until buf is used again.
func ReadFrame(r io.Reader, buf []byte, limit int) (t Type, flags uint8, payload []byte, err error) {
	var hdr [HeaderSize]byte
	if _, err := io.ReadFull(r, hdr[:]); err != nil {
		return 0, 0, buf, err
	}
	t, flags, n, err := ParseHeader(hdr[:], limit)
	if err != nil {
		return 0, 0, buf, err
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, 0, buf, fmt.Errorf("%w: payload cut short: %w", ErrFrame, err)
	}
	return t, flags, buf, nil
}

// Hello is the client's first frame.
type Hello struct {
	Version uint16
	ChainID [32]byte // all zero: any chain
}

// Append appends the whole frame.
func (h *Hello) Append(dst []byte) []byte {
	dst = AppendHeader(dst, TypeHello, 0, 40)
	dst = binary.LittleEndian.AppendUint32(dst, Magic)
	dst = binary.LittleEndian.AppendUint16(dst, h.Version)
	dst = append(dst, 0, 0)
	return append(dst, h.ChainID[:]...)
}

// ParseHello decodes a Hello payload.
func ParseHello(p []byte) (Hello, error) {
	var h Hello
	if len(p) != 40 {
		return h, fmt.Errorf("%w: hello has %d bytes, want 40", ErrFrame, len(p))
	}
	if m := binary.LittleEndian.Uint32(p); m != Magic {
		return h, fmt.Errorf("%w: magic %#x, want %#x: the client does not speak weir", ErrFrame, m, Magic)
	}
	if p[6] != 0 || p[7] != 0 {
		return h, fmt.Errorf("%w: hello with the reserved bytes %x, want zero", ErrFrame, p[6:8])
	}
	h.Version = binary.LittleEndian.Uint16(p[4:])
	copy(h.ChainID[:], p[8:])
	return h, nil
}

// Welcome is the node's answer to Hello.
type Welcome struct {
	Version    uint16
	LinkPort   uint16 // TCP port of the link test server, 0 for none
	MaxPayload uint32
	MaxTxs     uint32
	Accounts   uint32
	ChainID    [32]byte
	Height     uint64
}

const welcomeSize = 4 + 12 + 32 + 8

// Append appends the whole frame, with FlagHints.
func (w *Welcome) Append(dst []byte) []byte {
	dst = AppendHeader(dst, TypeWelcome, FlagHints, welcomeSize)
	dst = binary.LittleEndian.AppendUint16(dst, w.Version)
	dst = binary.LittleEndian.AppendUint16(dst, w.LinkPort)
	dst = binary.LittleEndian.AppendUint32(dst, w.MaxPayload)
	dst = binary.LittleEndian.AppendUint32(dst, w.MaxTxs)
	dst = binary.LittleEndian.AppendUint32(dst, w.Accounts)
	dst = append(dst, w.ChainID[:]...)
	return binary.LittleEndian.AppendUint64(dst, w.Height)
}

// ParseWelcome decodes a Welcome payload.
func ParseWelcome(p []byte) (Welcome, error) {
	var w Welcome
	if len(p) != welcomeSize {
		return w, fmt.Errorf("%w: welcome has %d bytes, want %d", ErrFrame, len(p), welcomeSize)
	}
	w.Version = binary.LittleEndian.Uint16(p)
	w.LinkPort = binary.LittleEndian.Uint16(p[2:])
	w.MaxPayload = binary.LittleEndian.Uint32(p[4:])
	w.MaxTxs = binary.LittleEndian.Uint32(p[8:])
	w.Accounts = binary.LittleEndian.Uint32(p[12:])
	copy(w.ChainID[:], p[16:])
	w.Height = binary.LittleEndian.Uint64(p[48:])
	return w, nil
}

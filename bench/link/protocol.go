package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The protocol, little-endian, one connection per test:
//
//	client                          server
//	hello (test, limits)       ──▶
//	                           ◀──  challenge (nonce)
//	auth (HMAC of both)        ──▶
//	                           ◀──  accept (HMAC, UDP port), or refuse
//
// then for a bulk test
//
//	  sender ── data … end (bytes) ──▶ receiver
//	receiver ── report (what arrived when) ──▶ sender
//	                 ◀──  done (sender's segments), when the
//	                      server was the sender
//
// and for tests with datagrams
//
//	probe datagram             ──▶
//	                           ◀──  nonce datagram, to the same address
//	echo (that nonce)          ──▶
//	                           ◀──  ready
//	            sender ══ datagrams ══▶ receiver
//	            sender ── sent (how many) ──▶ receiver
//	          receiver ── report, when it is the server ──▶ sender
//
// Every frame starts with the magic, the version, its kind and the length of
// its body. The server frees itself for the next test before its last frame,
// so a client that has the answer may start again at once.
const (
	protocolMagic   = 0x4b4e4c57 // "WLNK"
	protocolVersion = 2
	frameHeaderLen  = 12 // magic u32, version u8, kind u8, zero u16, length u32
)

// MaxTokenBytes is the longest token.
const MaxTokenBytes = 128

type frameKind uint8

const (
	kindHello frameKind = 1 + iota
	kindAccept
	kindRefuse
	kindData
	kindEnd
	kindReport
	kindDone
	kindChallenge
	kindAuth
	kindEcho
	kindReady
	kindSent
	kindFacts
)

// Limits on bodies, in bytes. A receiver never holds more than it has room for.
const (
	maxChunkBytes  = 1 << 20
	minChunkBytes  = 16 << 10
	maxReasonBytes = 512
	maxMarks       = 4096
	maxFactsBytes  = 16 << 10
	helloLen       = 4 + 4 + 8 + 8 + 8 + nonceLen
	challengeLen   = 8 + challengeNonceLen
	acceptLen      = macLen + 8 + 8 + 8
	sentLen        = 8 * 3
	endLen         = 8
	doneLen        = 8 * 5
	reportLen      = 8 + 4
	markLen        = 24
)

// maxBody is the longest body of each kind; kinds that are not in it do not
// exist.
var maxBody = map[frameKind]uint32{
	kindHello:     helloLen,
	kindAccept:    acceptLen,
	kindRefuse:    2 + maxReasonBytes,
	kindData:      maxChunkBytes - frameHeaderLen,
	kindEnd:       endLen,
	kindReport:    reportLen + maxMarks*markLen,
	kindDone:      doneLen,
	kindChallenge: challengeLen,
	kindAuth:      macLen,
	kindEcho:      nonceLen,
	kindReady:     0,
	kindSent:      sentLen,
	kindFacts:     maxFactsBytes,
}

// ErrProtocol means: the other side did not speak this protocol, or broke off.
var ErrProtocol = errors.New("link protocol error")

type frameHeader struct {
	kind   frameKind
	length uint32
}

func putFrameHeader(b []byte, h frameHeader) {
	binary.LittleEndian.PutUint32(b[0:], protocolMagic)
	b[4] = protocolVersion
	b[5] = byte(h.kind)
	binary.LittleEndian.PutUint16(b[6:], 0)
	binary.LittleEndian.PutUint32(b[8:], h.length)
}

// parseFrameHeader reads the first 12 bytes of b.
func parseFrameHeader(b []byte) (frameHeader, error) {
	if len(b) < frameHeaderLen {
		return frameHeader{}, fmt.Errorf("%w: frame header of %d bytes, want %d", ErrProtocol, len(b), frameHeaderLen)
	}
	if m := binary.LittleEndian.Uint32(b); m != protocolMagic {
		return frameHeader{}, fmt.Errorf("%w: starts with %#08x, not with %#08x; is this the link port?", ErrProtocol, m, uint32(protocolMagic))
	}
	if b[4] != protocolVersion {
		return frameHeader{}, fmt.Errorf("%w: version %d, this is version %d; use the same weir on both sides", ErrProtocol, b[4], protocolVersion)
	}
	h := frameHeader{kind: frameKind(b[5]), length: binary.LittleEndian.Uint32(b[8:])}
	limit, known := maxBody[h.kind]
	if !known || binary.LittleEndian.Uint16(b[6:]) != 0 {
		return frameHeader{}, fmt.Errorf("%w: unknown frame kind %d", ErrProtocol, h.kind)
	}
	if h.length > limit {
		return frameHeader{}, fmt.Errorf("%w: frame kind %d of %d bytes, at most %d", ErrProtocol, h.kind, h.length, limit)
	}
	return h, nil
}

// writeFrame sends one frame in one write.
func writeFrame(w io.Writer, kind frameKind, body []byte) error {
	b := make([]byte, frameHeaderLen, frameHeaderLen+len(body))
	putFrameHeader(b, frameHeader{kind, uint32(len(body))})
	_, err := w.Write(append(b, body...))
	return err
}

// readFrame receives one frame of the wanted kind. A refusal is returned as
// the error that it carries.
func readFrame(r io.Reader, want frameKind) ([]byte, error) {
	var hdr [frameHeaderLen]byte
	if _, err := io.ReadFull(r, hdr[:]); err != nil {
		return nil, fmt.Errorf("%w: waiting for frame kind %d: %w", ErrProtocol, want, err)
	}
	h, err := parseFrameHeader(hdr[:])
	if err != nil {
		return nil, err
	}
	if h.kind != want && h.kind != kindRefuse {
		return nil, fmt.Errorf("%w: frame kind %d, want %d", ErrProtocol, h.kind, want)
	}
	body := make([]byte, h.length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("%w: body of frame kind %d: %w", ErrProtocol, h.kind, err)
	}
	if h.kind == kindRefuse {
		return nil, parseRefusal(body)
	}
	return body, nil
}

// printable keeps a remote's words on one line and free of control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == '\ufffd' || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Query kinds. Numbers never change.
const (
	QueryHead     = 1  // no argument; answers header [128], its hash [32]
	QueryAccount  = 2  // slot u32; answers a RecordAnswer
	QueryProof    = 3  // height u64, index u32; answers header [128], transaction, path
	QueryGenesis  = 4  // no argument; answers the genesis file
	QueryStats    = 5  // no argument; answers the node's counters as JSON
	QueryHealth   = 6  // no argument; answers a Health
	QueryItem     = 7  // slot u32; answers a RecordAnswer
	QueryKey      = 8  // owner u32, key [32]; answers a KeyAnswer
	QueryBlock    = 9  // height u64; answers header [128], body
	QueryTxNonce  = 10 // sender u32, nonce u64; answers index u32 and what QueryProof answers
	QueryTxHash   = 11 // identifier [32]; answers as QueryTxNonce does
	MaxQueryBytes = 64 // of a Query payload
)

// Reply codes.
const (
	ReplyOK       = 0
	ReplyNotFound = 1
	ReplyBad      = 2
	ReplyInternal = 3
	ReplyBusy     = 4 // too many questions; the answer is retry after u32 (µs), text
	ReplyNotReady = 5 // the node cannot answer yet, or not as it is set up; the text says which
)

// AppendQuery appends a Query frame with encoded arguments.
func AppendQuery(dst []byte, id uint32, kind uint8, args []byte) []byte {
	dst = AppendHeader(dst, TypeQuery, 0, 5+len(args))
	dst = binary.LittleEndian.AppendUint32(dst, id)
	dst = append(dst, kind)
	return append(dst, args...)
}

// ParseQuery decodes a Query payload; args is the rest of it.
func ParseQuery(p []byte) (id uint32, kind uint8, args []byte, err error) {
	if len(p) < 5 {
		return 0, 0, nil, fmt.Errorf("%w: query has %d bytes, want at least 5", ErrFrame, len(p))
	}
	return binary.LittleEndian.Uint32(p), p[4], p[5:], nil
}

// AppendReply appends a Reply frame.
func AppendReply(dst []byte, id uint32, code uint8, answer []byte) []byte {
	return append(AppendReplyHeader(dst, id, code, len(answer)), answer...)
}

// replyFixed is the length of a Reply payload before the answer.
const replyFixed = 5

// MaxAnswer is the longest answer that a Reply carries, in bytes.
const MaxAnswer = MaxReply - replyFixed

// AppendReplyHeader appends a Reply frame up to where its answer of n bytes begins.
func AppendReplyHeader(dst []byte, id uint32, code uint8, n int) []byte {
	dst = AppendHeader(dst, TypeReply, 0, replyFixed+n)
	dst = binary.LittleEndian.AppendUint32(dst, id)
	return append(dst, code)
}

// AppendReplyBusy appends a Reply that says ReplyBusy and, in microseconds as in
// AppendBusy, when to ask again.
func AppendReplyBusy(dst []byte, id uint32, retryAfter time.Duration, text string) []byte {
	dst = AppendReplyHeader(dst, id, ReplyBusy, 4+len(text))
	return append(appendWait(dst, retryAfter), text...)
}

// ParseReplyBusy decodes the answer of a Reply that says ReplyBusy.
func ParseReplyBusy(answer []byte) (retryAfter time.Duration, text string, err error) {
	if len(answer) < 4 {
		return 0, "", fmt.Errorf("%w: a busy reply of %d bytes, want at least 4", ErrFrame, len(answer))
	}
	if retryAfter, err = parseWait(answer); err != nil {
		return 0, "", err
	}
	return retryAfter, string(answer[4:]), nil
}

// ParseReply decodes a Reply payload.
func ParseReply(p []byte) (id uint32, code uint8, answer []byte, err error) {
	if len(p) < replyFixed {
		return 0, 0, nil, fmt.Errorf("%w: reply has %d bytes, want at least 5", ErrFrame, len(p))
	}
	return binary.LittleEndian.Uint32(p), p[4], p[5:], nil
}

// AppendPath appends a list of 32-byte nodes with its length.
func AppendPath(dst []byte, path [][32]byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(path)))
	for i := range path {
		dst = append(dst, path[i][:]...)
	}
	return dst
}

// ParsePath decodes a list of nodes and returns what follows it.
func ParsePath(b []byte) (path [][32]byte, rest []byte, err error) {
	if len(b) < 4 {
		return nil, b, fmt.Errorf("%w: path length missing", ErrFrame)
	}
	n := binary.LittleEndian.Uint32(b)
	if n > 64 || len(b)-4 < int(n)*32 {
		return nil, b, fmt.Errorf("%w: path of %d nodes in %d bytes", ErrFrame, n, len(b)-4)
	}
	b = b[4:]
	for range n {
		path = append(path, [32]byte(b))
		b = b[32:]
	}
	return path, b, nil
}

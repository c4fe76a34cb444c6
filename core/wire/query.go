package wire

import (
	"encoding/binary"
	"fmt"
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
	ReplyBusy     = 4 // too many questions at once; ask again later
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
	dst = AppendHeader(dst, TypeReply, 0, 5+len(answer))
	dst = binary.LittleEndian.AppendUint32(dst, id)
	dst = append(dst, code)
	return append(dst, answer...)
}

// ParseReply decodes a Reply payload.
func ParseReply(p []byte) (id uint32, code uint8, answer []byte, err error) {
	if len(p) < 5 {
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

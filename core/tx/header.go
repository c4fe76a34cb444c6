package tx

import (
	"encoding/binary"
	"fmt"

	"github.com/chainweir/weir/hash"
)

// Hash is the SHA-256 hash of a block header.
type Hash [32]byte

// HeaderSize is the length of an encoded block header.
//
//	 0 version u32 | 4 transactions u32 | 8 height u64 | 16 time u64 (Unix ns)
//	24 body bytes u64 | 32 previous [32] | 64 transaction root [32] | 96 state root [32]
const HeaderSize = 128

// HeaderVersion is the block format's version.
const HeaderVersion = 1

const headerTag = "weirhd1"

// Header links a block to the one before it and commits to its transactions
// and to the state after them.
type Header struct {
	Height    uint64
	TimeNS    uint64 // Unix time, strictly greater than the previous block's
	Count     uint32 // transactions in the body
	BodyBytes uint64 // encoded length of the body
	Prev      Hash   // hash of the previous header; block 1 names the chain id
	TxRoot    [32]byte
	StateRoot [32]byte
}

// Append appends the header's 128-byte encoding.
func (h *Header) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, HeaderVersion)
	dst = binary.LittleEndian.AppendUint32(dst, h.Count)
	dst = binary.LittleEndian.AppendUint64(dst, h.Height)
	dst = binary.LittleEndian.AppendUint64(dst, h.TimeNS)
	dst = binary.LittleEndian.AppendUint64(dst, h.BodyBytes)
	dst = append(dst, h.Prev[:]...)
	dst = append(dst, h.TxRoot[:]...)
	return append(dst, h.StateRoot[:]...)
}

// ParseHeader decodes the header at the start of b.
func ParseHeader(b []byte) (Header, error) {
	var h Header
	if len(b) < HeaderSize {
		return h, fmt.Errorf("block header has %d bytes, want %d", len(b), HeaderSize)
	}
	if v := binary.LittleEndian.Uint32(b); v != HeaderVersion {
		return h, fmt.Errorf("block header version %d, this build reads %d", v, HeaderVersion)
	}
	h.Count = binary.LittleEndian.Uint32(b[4:])
	h.Height = binary.LittleEndian.Uint64(b[8:])
	h.TimeNS = binary.LittleEndian.Uint64(b[16:])
	h.BodyBytes = binary.LittleEndian.Uint64(b[24:])
	copy(h.Prev[:], b[32:])
	copy(h.TxRoot[:], b[64:])
	copy(h.StateRoot[:], b[96:])
	return h, nil
}

// Hash returns the header's hash on the given chain.
func (h *Header) Hash(chain *ChainID) Hash {
	var buf [len(headerTag) + len(ChainID{}) + HeaderSize]byte
	b := append(buf[:0], headerTag...)
	b = append(b, chain[:]...)
	return Hash(hash.SHA256(h.Append(b)))
}

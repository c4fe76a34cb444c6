//go:build amd64 && gc && !purego

package sha256x

import (
	"encoding/binary"

	"github.com/chainweir/weir/asm/cpu"
)

// ManySHANIUnavailable says why ManySHANI, PrefixedSHANI and RecordsSHANI must
// not be called here, or "".
func ManySHANIUnavailable() string { return cpu.Requires("SHA", "AVX") }

// ManySHANI is ManyGeneric on four SHA-NI streams.
func ManySHANI(dst []byte, msgs [][]byte) {
	b := batchOf(dst, msgs, noPrefix)
	b.shani()
}

// PrefixedSHANI is PrefixedGeneric on four SHA-NI streams.
func PrefixedSHANI(dst []byte, msgs [][]byte, prefix byte) {
	b := batchOf(dst, msgs, int(prefix))
	b.shani()
}

// RecordsSHANI is RecordsGeneric on four SHA-NI streams.
func RecordsSHANI(dst, src []byte, size int, prefix byte) {
	b := batchOfRecords(dst, src, size, prefix)
	b.shani()
}

// shani sorts the messages if their lengths differ and they are enough to make
// it worth while: streams that move in step need fewer calls.
func (b *batch) shani() {
	if b.n <= 2*streamWidth {
		b.inOrder(0)
		return
	}
	if _, equal := b.equalBlocks(0, b.n); equal {
		b.inOrder(0)
		return
	}
	for i := 0; i < b.n; i += poolRun {
		part := b.part(i, min(b.n, i+poolRun))
		part.byLength()
	}
}

// inOrder hashes the messages from i on in streams.
func (b *batch) inOrder(i int) {
	var s streams
	for ; i < b.n; i++ {
		s.push(b, i, 0, &streamIV)
	}
	s.drain(b)
}

// byLength hashes the messages in streams, longest first within each window of
// the pool.
func (b *batch) byLength() {
	var s streams
	var p pool
	for p.next < b.n {
		p.fill(b)
		for i := range p.size {
			s.push(b, p.number(i), 0, &streamIV)
		}
		p.size = 0
	}
	s.drain(b)
}

const (
	streamWidth = 4
	// streamCallBlocks bounds a call, which holds its core, to 4×1024 blocks: at
	// 67 cycles a block 137 µs at 2 GHz.
	streamCallBlocks = 1024
)

// streamIV is IV in the order of a stream's state.
var streamIV = [8]uint32{IV[5], IV[4], IV[1], IV[0], IV[7], IV[6], IV[3], IV[2]}

// streamWord is where a stream's state holds each word of the hash value.
var streamWord = [8]int{3, 2, 7, 6, 1, 0, 5, 4}

// streams hashes up to four messages of a batch side by side. push starts a
// message as soon as one of the four streams is free; drain ends them all.
type streams struct {
	active int // streams that are busy
	stream [streamWidth]stream
}

// A stream hashes one message, in up to three pieces. The first block, if the
// prefix is in it, and the padded end are put together in the stream's buffer;
// all between is read where it is.
type stream struct {
	busy   bool
	number int // of the message
	piece  int // which of pieces is being hashed
	pieces [4]piece
	state  [8]uint32
	buffer [headBytes + 2*BlockSize]byte // the first block, then the end
}

// headBytes of a stream's buffer are for the first block.
const headBytes = BlockSize

// A piece is blocks that lie in a row.
type piece struct {
	at     int  // where they begin
	blocks int  // how many there are, none behind the last piece
	own    bool // in the stream's buffer, not in the message
}

// push starts to hash message i, of which done bytes, the prefix included, are
// in state already.
func (s *streams) push(b *batch, i, done int, state *[8]uint32) {
	for s.active == streamWidth {
		s.step(b)
	}
	for j := range s.stream {
		if st := &s.stream[j]; !st.busy {
			st.busy, st.number, st.state = true, i, *state
			st.cut(b, done)
			s.active++
			return
		}
	}
}

// drain ends all messages.
func (s *streams) drain(b *batch) {
	for s.active > 0 {
		s.step(b)
	}
}

// step compresses as many blocks as every stream has in this piece and the
// next.
func (s *streams) step(b *batch) {
	var states [streamWidth]*[8]uint32
	var data, then [streamWidth]*byte
	var first [streamWidth]int
	blocks, width := streamCallBlocks, 0
	for i := range s.stream {
		st := &s.stream[i]
		if !st.busy {
			continue
		}
		now, next := &st.pieces[st.piece], &st.pieces[st.piece+1]
		states[width], data[width], first[width] = &st.state, st.data(b, now), now.blocks
		if next.blocks > 0 {
			then[width] = st.data(b, next)
		}
		blocks = min(blocks, now.blocks+next.blocks)
		width++
	}
	// A stream without a message repeats the first one, and the result.
	for i := width; i < streamWidth; i++ {
		states[i], data[i], then[i], first[i] = states[0], data[0], then[0], first[0]
	}
	if width > 2 {
		manyStreams4(&states, &data, &then, &first, blocks)
	} else {
		manyStreams2(&states, &data, &then, &first, blocks)
	}
	for i := range s.stream {
		if st := &s.stream[i]; st.busy && st.ended(blocks) {
			st.digest(b.dst[st.number*Size:])
			st.busy = false
			s.active--
		}
	}
}

// data is where a piece begins.
func (st *stream) data(b *batch, p *piece) *byte {
	if p.own {
		return &st.buffer[p.at]
	}
	return &b.msg(st.number)[p.at]
}

// ended moves the stream on behind blocks that were compressed and says whether
// they were its last.
func (st *stream) ended(blocks int) bool {
	for blocks > 0 {
		p := &st.pieces[st.piece]
		n := min(blocks, p.blocks)
		p.at += n * BlockSize
		p.blocks -= n
		blocks -= n
		if p.blocks == 0 {
			st.piece++
		}
	}
	return st.pieces[st.piece].blocks == 0
}

func (st *stream) digest(dst []byte) {
	dst = dst[:Size]
	for i, at := range streamWord {
		binary.BigEndian.PutUint32(dst[4*i:], st.state[at])
	}
}

// cut cuts what is left of the stream's message behind done bytes, with the
// prefix, into pieces.
func (st *stream) cut(b *batch, done int) {
	msg, total := b.msg(st.number), b.total(st.number)
	st.piece, st.pieces = 0, [4]piece{}
	n := 0
	if done < b.before && total >= BlockSize {
		st.buffer[0] = byte(b.prefix)
		copy(st.buffer[1:headBytes], msg)
		st.pieces[n] = piece{own: true, blocks: 1}
		done = BlockSize
		n++
	}
	if whole := (total - done) / BlockSize; whole > 0 {
		st.pieces[n] = piece{at: done - b.before, blocks: whole}
		done += whole * BlockSize
		n++
	}
	st.pieces[n] = piece{own: true, at: headBytes, blocks: st.end(b, msg, total, done)}
}

// end writes the padded end of the message behind done bytes, less than a
// block, to the buffer and returns its number of blocks.
func (st *stream) end(b *batch, msg []byte, total, done int) int {
	end := (*[2 * BlockSize]byte)(st.buffer[headBytes:])
	clear(end[:])
	if done > total {
		// The byte 0x80 was in the last block before; the length is missing.
		binary.BigEndian.PutUint64(end[BlockSize-8:], uint64(total)*8)
		return 1
	}
	n := 0
	if done < b.before {
		end[0] = byte(b.prefix)
		n = 1
	}
	n += copy(end[n:], msg[done+n-b.before:])
	return Pad(end, end[:n], uint64(total)) / BlockSize
}

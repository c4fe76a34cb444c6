//go:build amd64 && gc && !purego

package sha256x

import (
	"encoding/binary"

	"github.com/chainweir/weir/asm/cpu"
)

// ManySHANIUnavailable says why ManySHANI, PrefixedSHANI and RecordsSHANI must
// not be called here, or "".
func ManySHANIUnavailable() string { return cpu.Requires("SHA", "SSSE3") }

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
	b.inOrder(0)
}

// shani sorts the messages when there are enough of them to make a difference:
// streams that move in step need fewer calls.
func (b *batch) shani() {
	if b.n <= 2*streamWidth {
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
	// streamCallBlocks bounds a call to 4×1024 blocks, 75 µs at 18 ns a block.
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

// A stream hashes one message, in up to three stretches of whole blocks. The
// first block, if a prefix comes before it, and the padded end are put together
// in the stream's buffer; all between is read where it is.
type stream struct {
	busy   bool
	last   bool // the stretch is the message's last
	own    bool // the stretch lies in buffer, not in the message
	number int  // of the message
	done   int  // bytes, with the prefix, up to the end of the stretch
	at     int  // where the rest of the stretch begins
	rest   int  // blocks in it
	state  [8]uint32
	buffer [2 * BlockSize]byte
}

// push starts to hash message i, of which done bytes, the prefix included, are
// in state already.
func (s *streams) push(b *batch, i, done int, state *[8]uint32) {
	for s.active == streamWidth {
		s.step(b)
	}
	for j := range s.stream {
		if st := &s.stream[j]; !st.busy {
			st.busy, st.last, st.number, st.done, st.state = true, false, i, done, *state
			st.next(b)
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

// step compresses as many blocks as every stream has in its stretch.
func (s *streams) step(b *batch) {
	var states [streamWidth]*[8]uint32
	var data [streamWidth]*byte
	blocks, width := streamCallBlocks, 0
	for i := range s.stream {
		st := &s.stream[i]
		if !st.busy {
			continue
		}
		states[width] = &st.state
		if st.own {
			data[width] = &st.buffer[st.at]
		} else {
			data[width] = &b.msg(st.number)[st.at]
		}
		blocks = min(blocks, st.rest)
		width++
	}
	// A stream without a message repeats the first one, and the result.
	for i := width; i < streamWidth; i++ {
		states[i], data[i] = states[0], data[0]
	}
	if width > 2 {
		manyStreams4(&states, &data, blocks)
	} else {
		manyStreams2(&states, &data, blocks)
	}
	for i := range s.stream {
		if st := &s.stream[i]; st.busy {
			st.advance(b, blocks)
			if !st.busy {
				s.active--
			}
		}
	}
}

// advance moves the stream on behind blocks that were compressed.
func (st *stream) advance(b *batch, blocks int) {
	st.at += blocks * BlockSize
	st.rest -= blocks
	switch {
	case st.rest > 0:
	case !st.last:
		st.next(b)
	default:
		digest := b.dst[st.number*Size:][:Size]
		for i, at := range streamWord {
			binary.BigEndian.PutUint32(digest[4*i:], st.state[at])
		}
		st.busy = false
	}
}

// next finds the next stretch.
func (st *stream) next(b *batch) {
	msg, total := b.msg(st.number), b.total(st.number)
	rest := total - st.done
	st.at = 0
	st.own = rest < BlockSize || st.done < b.before
	switch {
	case !st.own:
		st.at, st.rest = st.done-b.before, rest/BlockSize
	case rest >= BlockSize:
		st.buffer[0] = byte(b.prefix)
		copy(st.buffer[1:BlockSize], msg)
		st.rest = 1
	case rest < 0:
		// The byte 0x80 was in the last block before; the length is missing.
		clear(st.buffer[:BlockSize])
		binary.BigEndian.PutUint64(st.buffer[BlockSize-8:], uint64(total)*8)
		st.rest, st.last = 1, true
	default:
		clear(st.buffer[:])
		n := 0
		if st.done < b.before {
			st.buffer[0] = byte(b.prefix)
			n = 1
		}
		n += copy(st.buffer[n:], msg[st.done+n-b.before:])
		st.rest, st.last = Pad(&st.buffer, st.buffer[:n], uint64(total))/BlockSize, true
	}
	st.done += st.rest * BlockSize
}

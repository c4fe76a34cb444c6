package hash

import "github.com/chainweir/weir/asm/blake3x"

const (
	// streamBuffer is how much input waits until it is hashed: a chunk for each
	// lane of the widest kernel, because fewer chunks take as long.
	streamBuffer = 16 * blake3x.ChunkSize

	// streamLayer is how many values of chunks wait until their subtree is
	// reduced to one value, a power of two and a multiple of the chunks in the
	// buffer. The last levels of a reduction do not fill the lanes; so much is
	// done between two of them that they cost a hundredth or two.
	streamLayer = 256

	// streamDepth is enough for 2^64 bytes: 2^54 chunks are 2^46 layers, and
	// while two subtrees of one size are joined there is one value more.
	streamDepth = 48
)

// blake3Stream is the state of a message of which more may follow (§5.1.2):
//
//	stack                 layer                     buf
//	roots of full         values of the chunks      input not
//	subtrees, their       since then, at most       hashed yet,
//	sizes falling powers  streamLayer of them       less than
//	of two × streamLayer                            streamBuffer
//
// The end of the message may come at any time, and then the topmost parent is
// the root and has its own flag. So no node is computed before it is certain
// that it is not the root: a full layer waits for the next byte, and a message
// that is a single chunk never leaves buf.
type blake3Stream struct {
	mode  blake3Mode
	impl  blake3x.Impl
	bytes int    // in buf
	width int    // values in layer
	done  uint64 // chunks that were hashed
	depth int    // values in stack

	stack [streamDepth * Size]byte
	layer [streamLayer * Size]byte
	buf   [streamBuffer]byte
}

func (s *blake3Stream) reset() { s.bytes, s.width, s.done, s.depth = 0, 0, 0, 0 }

func (s *blake3Stream) write(p []byte) {
	if s.bytes > 0 || len(p) < len(s.buf) {
		n := copy(s.buf[s.bytes:], p)
		if n == 0 {
			return
		}
		s.closeFullLayer()
		s.bytes += n
		p = p[n:]
		if s.bytes < len(s.buf) {
			return
		}
		s.absorb(s.buf[:])
		s.bytes = 0
	}
	direct := len(p) / len(s.buf) * len(s.buf)
	s.absorb(p[:direct])
	if rest := p[direct:]; len(rest) > 0 {
		s.closeFullLayer()
		s.bytes = copy(s.buf[:], rest)
	}
}

// absorb hashes whole buffers. They fill the layer to the last value, because
// it starts at a multiple of its own length.
func (s *blake3Stream) absorb(p []byte) {
	for len(p) > 0 {
		s.closeFullLayer()
		n := min(len(p)/blake3x.ChunkSize, streamLayer-s.width)
		blake3x.Chunks(s.impl, s.layer[s.width*Size:][:n*Size], p[:n*blake3x.ChunkSize], &s.mode.key, s.done, s.mode.flags)
		s.width += n
		s.done += uint64(n)
		p = p[n*blake3x.ChunkSize:]
	}
}

// closeFullLayer moves the value of a full layer's subtree to the stack. It is
// called when more input is certain to follow.
func (s *blake3Stream) closeFullLayer() {
	if s.width < streamLayer {
		return
	}
	for s.width > 1 {
		s.width = parentLevel(s.impl, s.layer[:s.width*Size], &s.mode.key, s.mode.flags)
	}
	copy(s.stack[s.depth*Size:], s.layer[:Size])
	s.depth++
	s.width = 0
	// As in a binary counter, every carry joins two subtrees of one size.
	for layers := s.done / streamLayer; layers%2 == 0; layers /= 2 {
		s.depth--
		top := s.stack[(s.depth-1)*Size:]
		blake3x.Parents(s.impl, top[:Size], top[:pairSize], &s.mode.key, s.mode.flags)
	}
}

// digest is the digest of what was written so far.
func (s *blake3Stream) digest(dst *[Size]byte) {
	if s.done == 0 {
		blake3Sum(dst, s.impl, s.buf[:s.bytes], &s.mode.key, s.mode.flags)
		return
	}
	root := s.treeRoot()
	root.digest(dst, s.impl)
}

// root is the root of what was written so far.
func (s *blake3Stream) root() blake3Root {
	if s.done == 0 {
		return messageRoot(s.impl, s.buf[:s.bytes], &s.mode.key, s.mode.flags)
	}
	return s.treeRoot()
}

// treeRoot is root for messages that have left the buffer. It reduces a copy
// of the layer, with the chunks in the buffer behind it, and joins what comes
// out with the subtrees on the stack, from the smallest up.
func (s *blake3Stream) treeRoot() blake3Root {
	key, flags := &s.mode.key, s.mode.flags
	var level [(streamLayer + streamBuffer/blake3x.ChunkSize) * Size]byte
	n := copy(level[:], s.layer[:s.width*Size]) / Size
	n += chunkLevel(s.impl, level[n*Size:], s.buf[:s.bytes], key, s.done, flags)
	for n > 2 {
		n = parentLevel(s.impl, level[:n*Size], key, flags)
	}
	var pair [pairSize]byte
	copy(pair[:], level[:n*Size])
	for depth := s.depth; depth > 0; depth-- {
		if n == 2 {
			blake3x.Parents(s.impl, pair[:Size], pair[:], key, flags)
		}
		copy(pair[Size:], pair[:Size])
		copy(pair[:Size], s.stack[(depth-1)*Size:])
		n = 2
	}
	return parentRoot(&pair, key, flags)
}

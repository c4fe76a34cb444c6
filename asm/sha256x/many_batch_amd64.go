//go:build amd64 && gc && !purego

package sha256x

// noPrefix stands for "no byte before the message" where a prefix is an int.
const noPrefix = -1

// A batch is what one call of an exported function is to hash. Nothing below
// those functions stores a pointer to a message, only its number, so that the
// compiler sees that messages do not escape.
type batch struct {
	dst     []byte
	msgs    [][]byte // the messages, or nil:
	records []byte   // the messages back to back,
	size    int      // each of so many bytes
	prefix  int      // the byte before each message, or noPrefix
	before  int      // how many bytes that is
	n       int      // messages
}

func batchOf(dst []byte, msgs [][]byte, prefix int) batch {
	b := batch{dst: dst, msgs: msgs, prefix: prefix, n: len(msgs)}
	if prefix != noPrefix {
		b.before = 1
	}
	return b
}

func batchOfRecords(dst, src []byte, size int, prefix byte) batch {
	return batch{dst: dst, records: src, size: size, prefix: int(prefix), before: 1, n: len(src) / size}
}

// msg is message i, without the prefix.
func (b *batch) msg(i int) []byte {
	if b.msgs == nil {
		return b.records[i*b.size:][:b.size]
	}
	return b.msgs[i]
}

// total is how many bytes are hashed for message i.
func (b *batch) total(i int) int {
	if b.msgs == nil {
		return b.before + b.size
	}
	return b.before + len(b.msgs[i])
}

// blocks is how many blocks message i has.
func (b *batch) blocks(i int) int { return blocksOf(b.total(i)) }

// blocksOf is how many blocks n bytes are once they are padded: the end takes a
// byte 0x80 and eight of length, FIPS 180-4 §5.1.1.
func blocksOf(n int) int { return int(uint(n+1+8+BlockSize-1) / BlockSize) }

// equalBlocks returns how many blocks messages i..j-1 have, if that is the same
// for all.
func (b *batch) equalBlocks(i, j int) (blocks int, equal bool) {
	blocks = b.blocks(i)
	if b.msgs == nil {
		return blocks, true
	}
	for _, msg := range b.msgs[i:j] {
		if blocksOf(b.before+len(msg)) != blocks {
			return 0, false
		}
	}
	return blocks, true
}

// part is a batch of messages i..j-1 only.
func (b *batch) part(i, j int) batch {
	p := *b
	p.dst, p.n = b.dst[i*Size:j*Size], j-i
	if b.msgs == nil {
		p.records = b.records[i*b.size : j*b.size]
	} else {
		p.msgs = b.msgs[i:j]
	}
	return p
}

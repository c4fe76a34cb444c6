package state

import "encoding/binary"

// chunkSlots is how many records a snapshot copies under the ledger's lock at a
// time: 64 to 128 KiB, some ten microseconds.
const chunkSlots = 1024

// undo keeps what the records of one table were when a snapshot began, from the
// moment that they change until the snapshot has passed them. It copies single
// records, not chunks: a block changes a few records of every chunk of a large
// ledger, and copying those whole would stall the first block of a snapshot for
// as long as copying the ledger.
type undo struct {
	size  int // of a record
	n     int // slots when the snapshot began
	done  int // slots below are written
	saved []uint64
	logs  []undoLog // by lane
}

// undoLog chains the saved records of each chunk.
type undoLog struct {
	heads  []uint32 // by chunk: the last entry, counted from 1
	blocks [][]byte // entries: the one before u32 | slot u32 | record
	count  uint32
}

const (
	undoHead  = 8
	undoBlock = 1 << 12 // entries
)

func newUndo(t *table) *undo {
	u := &undo{size: t.size, n: t.n, saved: make([]uint64, (t.n+63)>>6)}
	u.reserve(1)
	return u
}

// reserve makes logs for so many lanes.
func (u *undo) reserve(lanes int) {
	for len(u.logs) < lanes {
		u.logs = append(u.logs, undoLog{heads: make([]uint32, u.chunks())})
	}
}

func (u *undo) chunks() int { return (u.n + chunkSlots - 1) / chunkSlots }

// save notes a record before it changes, the first time.
func (u *undo) save(lane int, slot uint32, rec []byte) {
	if int(slot) >= u.n || int(slot) < u.done || u.saved[slot>>6]&(1<<(slot&63)) != 0 {
		return
	}
	u.saved[slot>>6] |= 1 << (slot & 63)
	g := &u.logs[lane]
	if int(g.count) == len(g.blocks)*undoBlock {
		g.blocks = append(g.blocks, make([]byte, undoBlock*(undoHead+u.size)))
	}
	g.count++
	e, head := u.entry(g, g.count), &g.heads[slot/chunkSlots]
	binary.LittleEndian.PutUint32(e, *head)
	binary.LittleEndian.PutUint32(e[4:], slot)
	copy(e[undoHead:], rec)
	*head = g.count
}

func (u *undo) entry(g *undoLog, number uint32) []byte {
	i := int(number - 1)
	return g.blocks[i/undoBlock][i%undoBlock*(undoHead+u.size):][:undoHead+u.size]
}

// chunk copies the records of one chunk as they were, and frees their changes.
func (u *undo) chunk(dst []byte, t *table, number int) []byte {
	first := number * chunkSlots
	n := min(chunkSlots, u.n-first)
	dst = dst[:n*u.size]
	s := &t.slabs[first>>slabBits] // a chunk is within one
	copy(dst, s.recs[first&(1<<slabBits-1)*u.size:])
	for i := range u.logs {
		g := &u.logs[i]
		for at := g.heads[number]; at != 0; {
			e := u.entry(g, at)
			slot := int(binary.LittleEndian.Uint32(e[4:]))
			copy(dst[(slot-first)*u.size:][:u.size], e[undoHead:])
			at = binary.LittleEndian.Uint32(e)
		}
	}
	u.done = first + n
	return dst
}

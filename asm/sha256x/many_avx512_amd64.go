//go:build amd64 && gc && !purego

package sha256x

import (
	"math"
	"sync"
	"unsafe"

	"github.com/chainweir/weir/asm/cpu"
)

// ManyAVX512Unavailable says why ManyAVX512, PrefixedAVX512 and RecordsAVX512
// must not be called here, or "".
func ManyAVX512Unavailable() string { return cpu.Requires("AVX512F", "AVX512BW") }

// ManyAVX512 is ManyGeneric on 32 or 16 lanes.
func ManyAVX512(dst []byte, msgs [][]byte) {
	b := batchOf(dst, msgs, noPrefix)
	b.avx512()
}

// PrefixedAVX512 is PrefixedGeneric on 32 or 16 lanes.
func PrefixedAVX512(dst []byte, msgs [][]byte, prefix byte) {
	b := batchOf(dst, msgs, int(prefix))
	b.avx512()
}

// RecordsAVX512 is RecordsGeneric on 32 or 16 lanes.
func RecordsAVX512(dst, src []byte, size int, prefix byte) {
	b := batchOfRecords(dst, src, size, prefix)
	b.avx512()
}

const (
	laneSet  = 16 // lanes of a set
	laneMax  = 2 * laneSet
	laneRows = 8 // words of a hash value

	// laneCallBlocks bounds a call of one set, which holds its core: at 850
	// cycles a block, as on Zen 4, 109 µs at 2 GHz. Of two sets it is half.
	laneCallBlocks = 256
	laneCallGroups = 8

	// laneFew messages or less are faster on SHA-NI streams: there a block of
	// each takes these 64 cycles or little more, while a block of a set of lanes
	// takes 500 (Zen 5) to 900 (Zen 4), however few are in use.
	laneFew = 8

	// laneSwitch is what it costs to give messages from lanes to streams, in
	// blocks of a stream.
	laneSwitch = 12
)

// haveStreams says whether short-handed lanes may leave their work to SHA-NI. It
// is found out at the first call and not while the program is initialised: what
// hides features of the processor may come after this package.
var haveStreams = sync.OnceValue(func() bool { return ManySHANIUnavailable() == "" })

// lanesFor returns how many lanes to use for n messages of similar lengths, or
// 0 for no lanes.
func lanesFor(n int) int {
	switch {
	case n == 0 || n <= laneFew && haveStreams():
		return 0
	case n > laneSet+laneFew || n > laneSet && !haveStreams():
		return laneMax
	}
	return laneSet
}

// avx512 hashes the messages in parts that the pool can number: in their order
// for as long as all lanes have equally many blocks, and then by length.
func (b *batch) avx512() {
	for i := 0; i < b.n; i += poolRun {
		part := b.part(i, min(b.n, i+poolRun))
		done := part.alike()
		switch {
		case done == part.n:
		case part.n-done <= laneFew && haveStreams():
			part.inOrder(done)
		default:
			part = part.part(done, part.n)
			part.mixed()
		}
	}
}

// alike hashes messages from the first on, as long as each fills its lanes with
// messages of equally many blocks, and returns how many it has hashed.
func (b *batch) alike() int {
	var numbers [laneCallGroups * laneMax]uint32
	var l lanes
	i := 0
	for width := lanesFor(b.n); width > 0; width = lanesFor(b.n - i) {
		used := min(width, b.n-i)
		blocks, equal := b.equalBlocks(i, i+used)
		if !equal {
			break
		}
		if !l.fit(width, blocks) {
			l.run(b, numbers[:])
		}
		to := numbers[l.groups*width:][:width]
		for lane := range to {
			to[lane] = uint32(i + lane)
		}
		repeat(to, used)
		l.add(width, blocks)
		i += used
	}
	l.run(b, numbers[:])
	return i
}

// repeat lets the lanes from used on do what the first does: they write the
// same digest to the same place.
func repeat(numbers []uint32, used int) {
	for lane := used; lane < len(numbers); lane++ {
		numbers[lane] = numbers[0]
	}
}

// lanes are groups of messages, as many in each as there are lanes, that wait
// to be hashed in one call. The caller keeps their numbers.
type lanes struct {
	width  int
	groups int
	total  int                    // blocks of all groups
	blocks [laneCallGroups]uint32 // of each group: what its longest message has
}

// fit says whether another group of so many lanes and blocks may be added.
func (l *lanes) fit(width, blocks int) bool {
	return l.groups == 0 || l.groups < laneCallGroups && l.width == width && l.total+blocks <= callBlocks(width)
}

func callBlocks(width int) int { return laneCallBlocks * laneSet / width }

// add adds a group.
func (l *lanes) add(width, blocks int) {
	l.blocks[l.groups] = uint32(min(blocks, math.MaxUint32))
	l.width = width
	l.total += blocks
	l.groups++
}

// run hashes the groups, which have these message numbers.
func (l *lanes) run(b *batch, numbers []uint32) {
	switch {
	case l.groups == 0:
	case l.total > callBlocks(l.width):
		var state [laneRows * laneMax]uint32
		longGroup(b, numbers, l.width, l.total, &state)
	default:
		callLanes(b, &b.dst[0], numbers, l.width, l.blocks[:l.groups], nil, 0)
	}
	l.groups, l.total = 0, 0
}

// longGroup hashes the first blocks of the messages of one group, a slice in
// each call, and hands out the lanes' hash values. Digests of messages that
// have not ended are garbage.
func longGroup(b *batch, numbers []uint32, width, blocks int, state *[laneRows * laneMax]uint32) {
	slice := [1]uint32{uint32(callBlocks(width))}
	done := 0
	for ; blocks-done > callBlocks(width); done += callBlocks(width) {
		callLanes(b, nil, numbers, width, slice[:], state, done*BlockSize)
	}
	slice[0] = uint32(blocks - done)
	callLanes(b, &b.dst[0], numbers, width, slice[:], state, done*BlockSize)
}

func callLanes(b *batch, dst *byte, numbers []uint32, width int, blocks []uint32, state *[laneRows * laneMax]uint32, offset int) {
	msgs, records := unsafe.SliceData(b.msgs), unsafe.SliceData(b.records)
	if width == laneMax {
		manyLanes32(dst, &numbers[0], &blocks[0], len(blocks), state, msgs, records, b.size, offset, b.prefix)
	} else {
		manyLanes16(dst, &numbers[0], &blocks[0], len(blocks), state, msgs, records, b.size, offset, b.prefix)
	}
}

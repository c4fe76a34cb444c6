//go:build amd64 && gc && !purego

package sha256x

import (
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

	// laneCallBlocks bounds a call of a set: at 850 cycles a block, 120 µs at
	// 3.7 GHz.
	laneCallBlocks = 512

	// laneFew messages or less are faster on SHA-NI streams: there a block of
	// each takes 64 cycles, while a block of a set of lanes takes 500 (Zen 5) to
	// 850 (Zen 4), however few are in use.
	laneFew = 8

	// laneSlack is how many blocks lanes may run on for the longest among them
	// before its end is left to a stream.
	laneSlack = 4
)

// haveStreams says whether short-handed lanes may leave their work to SHA-NI.
var haveStreams = ManySHANIUnavailable() == ""

// lanesFor returns how many lanes to use for n messages of similar lengths, or
// 0 for no lanes.
func lanesFor(n int) int {
	switch {
	case n == 0 || n <= laneFew && haveStreams:
		return 0
	case n > laneSet+laneFew || n > laneSet && !haveStreams:
		return laneMax
	}
	return laneSet
}

// avx512 hashes the messages in their order for as long as all lanes have
// equally many blocks, and from then on by length.
func (b *batch) avx512() {
	var l lanes
	i := 0
	for width := lanesFor(b.n); width > 0; width = lanesFor(b.n - i) {
		used := min(width, b.n-i)
		blocks, equal := l.take(b, i, used)
		if !equal {
			break
		}
		l.repeat(used, width)
		l.run(b, width, blocks)
		i += used
	}
	if b.n-i <= laneFew && haveStreams {
		b.inOrder(i)
		return
	}
	for ; i < b.n; i += poolRun {
		part := b.part(i, min(b.n, i+poolRun))
		part.mixed()
	}
}

// lanes says which messages are hashed side by side.
type lanes struct {
	number [laneMax]int
}

// take gives n messages, from i on, to the lanes and reports how many blocks
// each has, unless they are not equal in that.
func (l *lanes) take(b *batch, i, n int) (blocks int, equal bool) {
	blocks = b.blocks(i)
	for lane := range n {
		if b.blocks(i+lane) != blocks {
			return 0, false
		}
		l.number[lane] = i + lane
	}
	return blocks, true
}

// repeat lets the lanes from used on do what the first does: they write the
// same digest to the same place.
func (l *lanes) repeat(used, width int) {
	for lane := used; lane < width; lane++ {
		l.number[lane] = l.number[0]
	}
}

// run hashes messages of at most so many blocks to their ends.
func (l *lanes) run(b *batch, width, blocks int) {
	if blocks > laneCallBlocks*laneSet/width {
		var state [laneRows * laneMax]uint32
		l.runState(b, width, blocks, &state)
		return
	}
	l.call(b, width, &b.dst[0], nil, 0, blocks)
}

// runState hashes the first blocks of the messages, in slices, and hands out
// the lanes' hash values. Digests of messages that have not ended are garbage.
func (l *lanes) runState(b *batch, width, blocks int, state *[laneRows * laneMax]uint32) {
	slice := laneCallBlocks * laneSet / width
	done := 0
	for ; blocks-done > slice; done += slice {
		l.call(b, width, nil, state, done*BlockSize, slice)
	}
	l.call(b, width, &b.dst[0], state, done*BlockSize, blocks-done)
}

func (l *lanes) call(b *batch, width int, dst *byte, state *[laneRows * laneMax]uint32, offset, blocks int) {
	msgs, records := unsafe.SliceData(b.msgs), unsafe.SliceData(b.records)
	if width == laneMax {
		manyLanes32(dst, &l.number, state, msgs, records, b.size, offset, blocks, b.prefix)
	} else {
		manyLanes16(dst, &l.number, state, msgs, records, b.size, offset, blocks, b.prefix)
	}
}

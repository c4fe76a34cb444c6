//go:build unix && amd64 && gc && !purego

package sha256x

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/internal/guard"
)

// longBytes of zeros, more than a 32-bit number of bytes and more than that of
// bits, cost nothing as long as nobody reads them.
const longBytes = 5 << 30

func longZeros(t *testing.T) []byte {
	t.Helper()
	all, err := unix.Mmap(-1, 0, longBytes, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mapping %d bytes that are not read: %v", longBytes, err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	return all
}

// TestLanesEndedLongAgo goes on with groups of which some messages, or all, have
// ended gigabytes before: their lanes must read nothing and keep their hash
// values.
func TestLanesEndedLongAgo(t *testing.T) {
	if why := ManyAVX512Unavailable(); why != "" {
		t.Skip(why)
	}
	short := guard.Bytes(t, 3, true)
	for _, width := range []int{laneSet, laneMax} {
		for _, offset := range []int{1024, 1<<31 - 64, 1 << 31, 1<<31 + 64, 1<<31 + 1024, 1<<32 - 64, 1 << 32, 1<<32 + 1024, 1 << 40} {
			for _, prefix := range []int{noPrefix, 0} {
				checkEnded(t, short, width, offset, prefix)
			}
		}
	}
}

func checkEnded(t *testing.T, short []byte, width, offset, prefix int) {
	t.Helper()
	msgs, numbers := make([][]byte, width), make([]uint32, width)
	for i := range msgs {
		msgs[i], numbers[i] = short, uint32(i)
	}
	b := batchOf(make([]byte, width*Size), msgs, prefix)
	before := randomState()
	state := before
	callLanes(&b, nil, numbers, width, []uint32{3}, &state, offset)
	if unused := laneRows * width; state != before {
		t.Errorf("%d lanes of 3 bytes, prefix %d, from byte %d on: state %x, want it left at %x",
			width, prefix, offset, state[:unused], before[:unused])
	}
}

// TestLanesLongLengths ends messages whose lengths in bits, and at last in
// bytes, do not fit into 32 bits, beside others that ended long ago. Only the
// last blocks are read: what comes before them is a state made up.
func TestLanesLongLengths(t *testing.T) {
	if why := ManyAVX512Unavailable(); why != "" {
		t.Skip(why)
	}
	zeros := longZeros(t)
	for _, width := range []int{laneSet, laneMax} {
		for _, offset := range []int{1<<29 - 128, 1 << 29, 1<<31 - 64, 1 << 31, 1 << 32, longBytes - 1024} {
			for _, prefix := range []int{noPrefix, 0} {
				msgs := make([][]byte, width)
				for i := range msgs {
					msgs[i] = zeros[:3]
					if i%3 != 0 {
						msgs[i] = zeros[:offset+9*i]
					}
				}
				checkResumed(t, msgs, offset, prefix)
			}
		}
	}
}

// checkResumed hashes what is behind offset of as many messages as there are
// lanes, from random states.
func checkResumed(t *testing.T, msgs [][]byte, offset, prefix int) {
	t.Helper()
	width := len(msgs)
	numbers := make([]uint32, width)
	b := batchOf(make([]byte, width*Size), msgs, prefix)
	last := 0
	for i := range msgs {
		numbers[i] = uint32(i)
		last = max(last, b.blocks(i))
	}
	before := randomState()
	state := before
	callLanes(&b, &b.dst[0], numbers, width, []uint32{uint32(last - offset/BlockSize)}, &state, offset)
	for i, msg := range msgs {
		at := func(word int) int { return i/laneSet*laneSet*laneRows + word*laneSet + i%laneSet }
		var hash [8]uint32
		for word := range hash {
			hash[word] = before[at(word)]
		}
		if len(msg) < offset-b.before {
			for word := range hash {
				if state[at(word)] != hash[word] {
					t.Errorf("lane %d of %d, ended at byte %d: its state changed from byte %d on", i, width, len(msg), offset)
				}
			}
			continue
		}
		want := FinishGeneric(&hash, msg[offset-b.before:], uint64(offset))
		sameDigests(t, fmt.Sprintf("lane %d of %d, %d bytes, prefix %d", i, width, len(msg), prefix), b.dst[i*Size:][:Size], want[:])
	}
}

// TestStreamsLongLengths is the same for streams and for the single message.
func TestStreamsLongLengths(t *testing.T) {
	needSHANI(t)
	zeros := longZeros(t)
	for _, offset := range []int{1<<29 - 128, 1 << 29, 1 << 31, 1 << 32, longBytes - 1024} {
		for _, prefix := range []int{noPrefix, 0} {
			msgs := make([][]byte, 7)
			for i := range msgs {
				msgs[i] = zeros[:offset+20*i]
			}
			b := batchOf(make([]byte, len(msgs)*Size), msgs, prefix)
			var s streams
			for i := range msgs {
				s.push(&b, i, offset, &streamIV)
			}
			s.drain(&b)
			for i, msg := range msgs {
				rest, start, alone := msg[offset-b.before:], IV, IV
				want := FinishGeneric(&start, rest, uint64(offset))
				name := fmt.Sprintf("%d bytes, prefix %d", len(msg), prefix)
				sameDigests(t, "stream of "+name, b.dst[i*Size:][:Size], want[:])
				got := FinishSHANI(&alone, rest, uint64(offset))
				sameDigests(t, "alone, "+name, got[:], want[:])
			}
		}
	}
}

func randomState() (state [laneRows * laneMax]uint32) {
	for i, b := range randomBytes(11, len(state)) {
		state[i] = uint32(b) * 0x01030507
	}
	return state
}

package hash

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/chainweir/weir/asm/sha256x"
)

// pickedBlock is how many pairs or records are gathered, hashed and written back
// in one go by implementations that need them side by side: what they touch
// stays in the first cache, and the kernels are near their best.
const pickedBlock = 128

// PickedRoom is how much room SHA256PairsPicked makes use of at most, and
// SHA256RecordsPicked with records of size bytes.
func PickedRoom(size int) int { return pickedBlock * (size + Size) }

// SHA256PairsPicked sets digest p of dst to SHA-256(pair p of src) for each p of
// places; dst and src are as in SHA256Pairs, but must not overlap. It is for the
// changed nodes of a tree: memory that it will need is fetched while it hashes.
// Room is for implementations that need pairs side by side, PickedRoom(64) bytes
// for their best, 96 or more. Lengths that do not fit, room and places included,
// are ErrLength, and nothing is written. Kernel "sha256_pairs".
func SHA256PairsPicked(dst, src []byte, places []uint32, room []byte) error {
	if err := checkPairs(dst, src); err != nil {
		return err
	}
	if err := checkPicked(len(src)/pairSize, places, room, pairSize); err != nil || len(places) == 0 {
		return err
	}
	impl := kernelPairs.Pick(len(places))
	if impl >= implOurs && sha256x.PairsPicked(pairImpls[impl-implOurs], dst, src, places) {
		return nil
	}
	for len(places) > 0 {
		at, out, in := pickedRoom(places, room, pairSize)
		gatherPicked(in, dst, src, at, pairSize)
		pairs(kernelPairs.Pick(len(at)), out, in)
		scatterPicked(dst, at, out)
		places = places[len(at):]
	}
	return nil
}

// SHA256RecordsPicked is SHA256PairsPicked for SHA-256(prefix ‖ record p of
// src), with dst, src, size and prefix as in SHA256Records. Records of 64 bytes
// are what an RFC 6962 node is, kernel "sha256_nodes"; for others kernels are as
// for SHA256Many. Room is best PickedRoom(size) bytes, size+32 or more.
func SHA256RecordsPicked(dst, src []byte, size int, prefix byte, places []uint32, room []byte) error {
	if err := checkRecords(dst, src, size); err != nil {
		return err
	}
	if err := checkPicked(len(src)/size, places, room, size); err != nil || len(places) == 0 {
		return err
	}
	if size == pairSize {
		impl := kernelNodes.Pick(len(places))
		if impl >= implOurs && sha256x.RecordsPicked(pairImpls[impl-implOurs], dst, src, places, prefix) {
			return nil
		}
	}
	for len(places) > 0 {
		at, out, in := pickedRoom(places, room, size)
		gatherPicked(in, dst, src, at, size)
		records(pickMany(len(at), size), out, in, size, prefix)
		scatterPicked(dst, at, out)
		places = places[len(at):]
	}
	return nil
}

func checkPicked(n int, places []uint32, room []byte, size int) error {
	if len(room) < size+Size {
		return fmt.Errorf("%w: room of %d bytes for what takes %d and a digest; it must be %d or more",
			ErrLength, len(room), size, size+Size)
	}
	all := uint32(0) // no less than any place; where n is a power of two that tells enough
	for _, p := range places {
		all |= p
	}
	if int64(all) < int64(n) || len(places) == 0 {
		return nil
	}
	if most := slices.Max(places); int64(most) >= int64(n) {
		return fmt.Errorf("%w: place %d of %d", ErrLength, most, n)
	}
	return nil
}

// pickedRoom takes the next block off places and divides room into that for its
// digests and that for what is hashed, size bytes each.
func pickedRoom(places []uint32, room []byte, size int) (at []uint32, out, in []byte) {
	n := min(len(places), len(room)/(size+Size), pickedBlock)
	return places[:n], room[:n*Size], room[n*Size:][:n*size]
}

// touchPicked reads a byte at each place. In a large tree each is far away in
// memory; as nothing waits for what is read, a processor fetches dozens at a
// time, where moving whole nodes to and fro lets it look only a few ahead.
//
//go:noinline
func touchPicked(b []byte, places []uint32, size int) (sum byte) {
	for _, p := range places {
		sum ^= b[int(p)*size]
	}
	return sum
}

// gatherPicked copies what is hashed from src side by side, size bytes each, and
// touches where the digests go in dst.
func gatherPicked(into, dst, src []byte, places []uint32, size int) {
	touchPicked(src, places, size)
	touchPicked(dst, places, Size)
	if size != pairSize {
		for i, p := range places {
			copy(into[i*size:][:size], src[int(p)*size:])
		}
		return
	}
	for i, p := range places {
		d, s := into[i*pairSize:][:pairSize], src[int(p)*pairSize:][:pairSize]
		copyWords((*[Size]byte)(d), (*[Size]byte)(s))
		copyWords((*[Size]byte)(d[Size:]), (*[Size]byte)(s[Size:]))
	}
}

func scatterPicked(dst []byte, places []uint32, digests []byte) {
	for i, p := range places {
		copyWords((*[Size]byte)(dst[int(p)*Size:]), (*[Size]byte)(digests[i*Size:]))
	}
}

// copyWords copies in words: an assignment of arrays that might overlap would be
// a call.
func copyWords(d, s *[Size]byte) {
	le := binary.LittleEndian
	w0, w1, w2, w3 := le.Uint64(s[0:]), le.Uint64(s[8:]), le.Uint64(s[16:]), le.Uint64(s[24:])
	le.PutUint64(d[0:], w0)
	le.PutUint64(d[8:], w1)
	le.PutUint64(d[16:], w2)
	le.PutUint64(d[24:], w3)
}

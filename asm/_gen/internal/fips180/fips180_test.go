package fips180

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"
)

// TestConstants computes the constants from their definition: the first 32
// bits of the fractional parts of the cube roots of the first 64 primes, and
// of the square roots of the first 8.
func TestConstants(t *testing.T) {
	prime := int64(1)
	for i, k := range K {
		for prime++; !big.NewInt(prime).ProbablyPrime(0); prime++ { // exact for numbers this small
		}
		if want := fraction(prime, 3); k != want {
			t.Errorf("K[%d] = %#08x, want %#08x", i, k, want)
		}
		if i < len(IV) && IV[i] != fraction(prime, 2) {
			t.Errorf("IV[%d] = %#08x, want %#08x", i, IV[i], fraction(prime, 2))
		}
	}
}

// fraction returns 32 bits behind the point of the root of n: the low bits of
// the whole root of n·2^(32·root), found from its highest bit down.
func fraction(n, root int64) uint32 {
	scaled := new(big.Int).Lsh(big.NewInt(n), uint(32*root))
	r := new(big.Int)
	for bit := 40; bit >= 0; bit-- {
		r.SetBit(r, bit, 1)
		if new(big.Int).Exp(r, big.NewInt(root), nil).Cmp(scaled) > 0 {
			r.SetBit(r, bit, 0)
		}
	}
	return uint32(r.Uint64())
}

// TestSchedule hashes a message of 64 bytes with what this package has and the
// rounds of §6.2.2, and compares with crypto/sha256.
func TestSchedule(t *testing.T) {
	var message [64]byte
	var block [16]uint32
	for i := range message {
		message[i] = byte(7*i + 3)
	}
	for i := range block {
		block[i] = binary.BigEndian.Uint32(message[4*i:])
	}
	sums := Schedule(block)
	for i := range sums {
		sums[i] += K[i]
	}
	var got [32]byte
	for i, w := range compress(compress(IV, sums), PairPadding()) {
		binary.BigEndian.PutUint32(got[4*i:], w)
	}
	if want := sha256.Sum256(message[:]); got != want {
		t.Errorf("digest %x, want %x", got, want)
	}
}

func compress(before [8]uint32, sums [64]uint32) [8]uint32 {
	s := before
	for _, sum := range sums {
		a, b, c, e, f, g := s[0], s[1], s[2], s[4], s[5], s[6]
		t1 := s[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (e&f ^ ^e&g) + sum
		t2 := (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + (a&b ^ a&c ^ b&c)
		s = [8]uint32{t1 + t2, a, b, c, s[3] + t1, e, f, g}
	}
	for i := range s {
		s[i] += before[i]
	}
	return s
}

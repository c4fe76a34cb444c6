package ci

import (
	"math/bits"
	"slices"
)

// Arm is one of the three parts of a round.
type Arm int

// The arms. Control is base once more, and nobody tells the process so.
const (
	Base Arm = iota
	Head
	Control
)

// armsPerRound is the number of processes that a round starts.
const armsPerRound = 3

// String returns the arm's name in records.
func (a Arm) String() string {
	switch a {
	case Base:
		return "base"
	case Head:
		return "head"
	case Control:
		return "control"
	}
	return "unknown"
}

// ThueMorse is element i, from 0, of the Thue–Morse sequence 0110 1001 …: the
// parity of the ones in i.
func ThueMorse(i int) int { return bits.OnesCount(uint(i)) % 2 }

// Order returns the order of the arms in a round, from 0. Base comes before head
// where the Thue–Morse sequence is 0 and after it where it is 1: ABBA BAAB ….
// Rounds 2j and 2j+1 mirror each other, so that a steady drift favours no arm,
// and the control takes every place in turn.
func Order(round int) [armsPerRound]Arm {
	pair := round / 2
	order := []Arm{Base, Head}
	if ThueMorse(2*pair) == 1 {
		order = []Arm{Head, Base}
	}
	order = slices.Insert(order, pair%armsPerRound, Control)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return [armsPerRound]Arm(order)
}

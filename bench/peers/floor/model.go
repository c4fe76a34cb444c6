package floor

import (
	"github.com/chainweir/weir/asm/cpu"
)

// Work counts what a piece of hashing is made of.
type Work struct {
	Pairs       int // SHA-256 of 64 bytes
	Nodes       int // SHA-256 of 65 bytes, RFC 6962 §2.1
	DoublePairs int // SHA-256 twice, Bitcoin

	Blocks      int // SHA-256 compressions of messages that can be hashed side by side
	ChainBlocks int // SHA-256 compressions each of which waits for the one before

	BLAKE3Blocks  int // compressions of chunks that can be hashed side by side
	BLAKE3Parents int
}

// Floor is the least number of cycles for a piece of work on one core, in one
// way to do it.
type Floor struct {
	Path   string
	Cycles float64
}

// Model is what is known of a processor.
type Model struct {
	Name   string
	Source string
	// perCycle is the number of 512-bit operations in a cycle.
	perCycle float64
	// rounds2 is the number of cycles between two SHA256RNDS2 of different
	// streams, each of which makes two rounds.
	rounds2 float64
	// both: the vector units and the SHA unit at once gain something.
	both bool
}

// SHA-256 by the processor's SHA extensions.
const (
	rounds2Count = 32  // SHA256RNDS2 in a block
	shaChain     = 128 // cycles of a block in one stream: they wait four for each other

	// Slots of 128-bit operations that a block takes, four in a cycle:
	// SHA256RNDS2 1 each, SHA256MSG1 2, SHA256MSG2 4, and what moves and adds
	// the message words.
	shaBlockSlots    = 160
	shaConstantSlots = 52 // with a constant message
	shaSlotsPerCycle = 4
)

// laneSlots are the 256-bit slots of a pair in a vector lane, for both at once
// on a processor where a 512-bit operation takes two.
const laneSlots = 2. * PairSlots / Lanes

// Models, measured or computed for docs/kernels.md.
var (
	zen5 = Model{
		Name:     "Zen 5 server, 512-bit data path",
		Source:   "measured: four 512-bit operations in a cycle, SHA256RNDS2 every two cycles",
		perCycle: 4, rounds2: 2,
	}
	zen4 = Model{
		Name:     "Zen 4",
		Source:   "measured: two 512-bit operations in a cycle, SHA256RNDS2 every cycle from four streams on",
		perCycle: 2, rounds2: 1, both: true,
	}
)

// ModelOf returns the model of a processor. ok is false where there is none:
// other makes, and those of the same family with another data path.
func ModelOf(id cpu.Identity) (m Model, ok bool) {
	if id.Arch != "amd64" || id.Vendor != "AuthenticAMD" {
		return Model{}, false
	}
	in := func(low, high int) bool { return id.Model >= low && id.Model <= high }
	switch {
	case id.Family == 26 && in(0x00, 0x1f):
		return zen5, true
	case id.Family == 25 && (in(0x10, 0x1f) || in(0x60, 0x7f) || in(0xa0, 0xaf)):
		return zen4, true
	}
	return Model{}, false
}

// Floors returns the floors of a piece of work, the ways that the features of
// the processor leave. It is empty for work that the model says nothing about.
func (m Model) Floors(w Work, has func(feature string) bool) []Floor {
	var list []Floor
	add := func(path string, cycles float64) {
		if cycles > 0 {
			list = append(list, Floor{path, cycles})
		}
	}
	if w.ChainBlocks > 0 {
		if has("SHA") {
			add("SHA-NI, one stream", float64(w.ChainBlocks)*shaChain)
		}
		return list
	}
	if has("AVX512F") {
		slots := w.Pairs*PairSlots + w.Nodes*NodeSlots + w.DoublePairs*DoublePairSlots + w.Blocks*BlockSlots +
			w.BLAKE3Blocks*BLAKE3BlockSlots + w.BLAKE3Parents*BLAKE3ParentSlots
		add("AVX-512", float64(slots)/Lanes/m.perCycle)
	}
	if has("SHA") {
		blocks := 2*w.Pairs + 2*w.Nodes + 3*w.DoublePairs + w.Blocks
		constant := w.Pairs + w.DoublePairs
		add("SHA-NI", m.shaCycles(blocks, constant))
	}
	if m.both && has("AVX512F") && has("SHA") && w.Pairs > 0 {
		add("both", float64(w.Pairs)*m.bothPair())
	}
	return list
}

// shaCycles are those of SHA-256 blocks side by side, some of them constant:
// bound by the SHA unit or by the slots around it.
func (m Model) shaCycles(blocks, constant int) float64 {
	slots := shaBlockSlots*(blocks-constant) + shaConstantSlots*constant
	return max(float64(rounds2Count*blocks)*m.rounds2, float64(slots)/shaSlotsPerCycle)
}

// bothPair are the cycles of a pair where a share x of the pairs goes through
// vector lanes and the rest through the SHA unit, with x such that unit and
// slots are busy all the time:
//
//	(1-x) · unit = x · lane + (1-x) · around
func (m Model) bothPair() float64 {
	const lane, around = laneSlots / shaSlotsPerCycle, (shaBlockSlots + shaConstantSlots) / float64(shaSlotsPerCycle)
	unit := 2 * rounds2Count * m.rounds2
	x := (unit - around) / (unit - around + lane)
	return (1 - x) * unit
}

// Zen5Server reports whether a processor is the one that the required ratios
// are for.
func Zen5Server(id cpu.Identity) bool {
	m, ok := ModelOf(id)
	return ok && m.Name == zen5.Name
}

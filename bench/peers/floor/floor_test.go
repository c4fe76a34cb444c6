package floor

import (
	"errors"
	"math"
	"testing"

	"github.com/chainweir/weir/asm/cpu"
)

func everything(string) bool { return true }

func near(a, b float64) bool { return math.Abs(a-b) < 0.05 }

// TestSlots holds the counts to the published table of docs/kernels.md.
func TestSlots(t *testing.T) {
	for name, c := range map[string]struct{ got, want int }{
		"pair":                     {PairSlots, 2776},
		"block":                    {BlockSlots, 1704},
		"BLAKE3 block":             {BLAKE3BlockSlots, 856},
		"BLAKE3 parent":            {BLAKE3ParentSlots, 888},
		"block that varies":        {secondBlock(16), BlockSlots - transposeIn},
		"constant block":           {secondBlock(0), 64*roundSlots + feedSlots},
		"SHA-NI pair, 128-bit":     {shaBlockSlots + shaConstantSlots, 212},
		"node takes more":          {min(NodeSlots, PairSlots), PairSlots},
		"than a pair, less than 2": {max(NodeSlots, 2*BlockSlots), 2 * BlockSlots},
		"double: more than pair":   {min(DoublePairSlots, PairSlots), PairSlots},
		"double: below two pairs":  {max(DoublePairSlots, 2*PairSlots), 2 * PairSlots},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d slots, want %d", name, c.got, c.want)
		}
	}
}

// TestScheduleOfOneWord follows the first words by hand: with only W[0]
// varying, W[16] needs it, W[17] nothing, W[18] W[16].
func TestScheduleOfOneWord(t *testing.T) {
	var varies [64]bool
	varies[0] = true
	for _, c := range []struct {
		word, slots int
		varies      bool
	}{{16, 1, true}, {17, 0, false}, {18, sigmaSlots + 1, true}, {19, 0, false}, {20, sigmaSlots + 1, true}, {23, 1, true}} {
		slots, v := scheduleStep(&varies, c.word)
		if slots != c.slots || v != c.varies {
			t.Errorf("W[%d]: %d slots, varies %v; want %d, %v", c.word, slots, v, c.slots, c.varies)
		}
		varies[c.word] = v
	}
}

func TestFloors(t *testing.T) {
	for _, c := range []struct {
		name  string
		model Model
		work  Work
		want  map[string]float64
	}{
		{"Zen 5 pairs", zen5, Work{Pairs: 16}, map[string]float64{"AVX-512": 694, "SHA-NI": 16 * 128}},
		{"Zen 5 blocks", zen5, Work{Blocks: 16}, map[string]float64{"AVX-512": 426, "SHA-NI": 16 * 64}},
		{"Zen 5 BLAKE3", zen5, Work{BLAKE3Blocks: 16}, map[string]float64{"AVX-512": 214}},
		{"Zen 5 parents", zen5, Work{BLAKE3Parents: 16}, map[string]float64{"AVX-512": 222}},
		{"Zen 4 pairs", zen4, Work{Pairs: 16}, map[string]float64{"AVX-512": 1388, "SHA-NI": 16 * 64, "both": 16 * 56.8}},
		{"Zen 4 blocks", zen4, Work{Blocks: 16}, map[string]float64{"AVX-512": 852, "SHA-NI": 16 * 40}},
		{"one stream", zen5, Work{ChainBlocks: 2}, map[string]float64{"SHA-NI, one stream": 256}},
		{"nothing known", zen4, Work{}, nil},
	} {
		got := c.model.Floors(c.work, everything)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		for _, f := range got {
			if !near(f.Cycles, c.want[f.Path]) {
				t.Errorf("%s: %s takes %v cycles, want %v", c.name, f.Path, f.Cycles, c.want[f.Path])
			}
		}
	}
	if got := zen4.Floors(Work{Pairs: 1}, func(f string) bool { return f == "SHA" }); len(got) != 1 || got[0].Path != "SHA-NI" {
		t.Errorf("without AVX-512: %v", got)
	}
}

// TestBothIsFullyUsed: with both at once neither the SHA unit nor the slots
// have anything left.
func TestBothIsFullyUsed(t *testing.T) {
	c := zen4.bothPair()
	unit := float64(2 * rounds2Count)
	share := c / unit // of the pairs, through the SHA unit
	slots := share*(shaBlockSlots+shaConstantSlots) + (1-share)*laneSlots
	if !near(slots/shaSlotsPerCycle, c) {
		t.Errorf("%v cycles for %v slots", c, slots)
	}
}

func TestModelOf(t *testing.T) {
	for _, c := range []struct {
		id   cpu.Identity
		want string
	}{
		{cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 26, Model: 2}, zen5.Name},
		{cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 26, Model: 0x24}, ""}, // mobile, 256-bit data path
		{cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 25, Model: 17}, zen4.Name},
		{cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 25, Model: 0x61}, zen4.Name},
		{cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 25, Model: 1}, ""}, // Zen 3
		{cpu.Identity{Arch: "amd64", Vendor: "GenuineIntel", Family: 26, Model: 2}, ""},
		{cpu.Identity{Arch: "arm64"}, ""},
	} {
		m, ok := ModelOf(c.id)
		if m.Name != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %q, %v", c.id, m.Name, ok)
		}
		if Zen5Server(c.id) != (c.want == zen5.Name) {
			t.Errorf("%+v is a Zen 5 server: %v", c.id, Zen5Server(c.id))
		}
	}
}

// TestClock: a frequency that a processor can have, or the reason for none.
func TestClock(t *testing.T) {
	hz, err := ClockHz()
	switch {
	case err != nil && !errors.Is(err, ErrClock):
		t.Error(err)
	case err == nil && (hz < minHz || hz > maxHz):
		t.Errorf("%v Hz", hz)
	case err != nil:
		t.Log(err)
	}
}

// TestChainIsWhole compares the unrolled chain with a plain loop.
func TestChainIsWhole(t *testing.T) {
	x := uint64(0)
	for range chainSteps / 2 {
		x = (x + chainAdd) ^ chainXor
	}
	if got := chain(chainSteps, chainAdd, chainXor); got != x || x != chainResult {
		t.Errorf("chain %#x, loop %#x, constant %#x", got, x, uint64(chainResult))
	}
}

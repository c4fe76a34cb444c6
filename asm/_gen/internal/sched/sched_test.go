package sched

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/mmcloughlin/avo/reg"
)

// machine runs operations on one lane.
type machine struct {
	cells map[int]uint32
}

func (m *machine) run(o op, in []uint32) uint32 {
	if o.mem != nil && o.class != Store {
		in = append(in, m.cells[o.mem.Cell])
	}
	switch o.code {
	case "VPADDD":
		return in[0] + in[1]
	case "VPSUBD":
		return in[0] - in[1]
	case "VPXORD":
		return in[0] ^ in[1]
	case "VPRORD":
		return bits.RotateLeft32(in[0], -o.imm)
	case "VPTERNLOGD":
		return ternary(o.imm, in[0], in[1], in[2])
	case "VMOVDQA64":
		if o.class == Store {
			m.cells[o.mem.Cell] = in[0]
		}
		return in[0]
	}
	panic("the machine does not know " + o.code)
}

func ternary(imm int, x, y, z uint32) (r uint32) {
	for bit := range 32 {
		i := x>>bit&1<<2 | y>>bit&1<<1 | z>>bit&1
		r |= uint32(imm>>i&1) << bit
	}
	return r
}

// runBlock computes what the block means: registers and cells at its end.
func runBlock(b *Block, regs [Registers]uint32, cells map[int]uint32) ([Registers]uint32, map[int]uint32) {
	m := machine{cells}
	values := make([]uint32, len(b.def))
	for v, r := range b.entry {
		values[v] = regs[r]
	}
	for _, o := range b.ops {
		var in []uint32
		for _, v := range o.in {
			in = append(in, values[v])
		}
		if r := m.run(o, in); o.out != 0 {
			values[o.out] = r
		}
	}
	var end [Registers]uint32
	for r, v := range b.exit {
		end[r] = values[v]
	}
	return end, m.cells
}

// runCode computes what the code does.
func runCode(c *Code, regs [Registers]uint32, cells map[int]uint32) ([Registers]uint32, map[int]uint32) {
	m := machine{cells}
	for _, in := range c.insts {
		var from []uint32
		for _, r := range in.from {
			from = append(from, regs[r])
		}
		if r := m.run(in.op, from); in.to != none {
			regs[in.to] = r
		}
	}
	return regs, m.cells
}

// randomBlock has streams that each keep a few values going, like rounds.
func randomBlock(rng *rand.Rand, streams, width, length int) *Block {
	b := NewBlock()
	cell := func() Mem { return Mem{Base: reg.RAX, Cell: 1 + rng.IntN(6)} }
	register := rng.Perm(Registers)
	for s := range streams {
		b.Stream()
		var v []Value
		for i := range width {
			v = append(v, b.In(s*width+i))
		}
		pick := func() Value { return v[rng.IntN(width)] }
		for range length {
			var r Value
			switch rng.IntN(8) {
			case 0:
				r = b.Add(pick(), pick())
			case 1:
				r = b.AddMem(pick(), cell())
			case 2:
				r = b.Sub(pick(), b.Load(cell()))
			case 3:
				r = b.Ternary(rng.IntN(256), pick(), pick(), pick())
			case 4:
				r = b.TernaryMem(rng.IntN(256), pick(), pick(), cell())
			case 5:
				x := pick()
				b.Unit(func() { r = b.Ternary(0x96, b.Ror(x, 1), b.Ror(x, 9), b.Ror(x, 20)) })
			case 6:
				r = b.Load(cell())
				r = b.Xor(r, r)
			default:
				r = pick()
				b.Store(r, cell())
			}
			v[rng.IntN(width)] = r
		}
		for i, x := range v {
			b.Out(x, register[s*width+i])
		}
	}
	return b
}

// TestCodeDoesWhatTheBlockMeans compares both on random blocks: with few and
// with as many values as leave just enough registers, in program order and
// scheduled, with results in registers that other values begin in.
func TestCodeDoesWhatTheBlockMeans(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		streams := 1 + rng.IntN(3)
		width := 2 + rng.IntN(24/streams-1)
		b := randomBlock(rng, streams, width, 60)
		orders := map[string]Order{}
		if streams == 1 { // of several, each would need its temporary values at once
			orders["program order"] = b.ProgramOrder()
		}
		for _, ahead := range []float64{1, 5, 40} {
			o, err := b.BestOrder(Zen5, ahead)
			if err != nil {
				t.Fatalf("seed %d, %d streams of %d values: %v", seed, streams, width, err)
			}
			orders[fmt.Sprintf("%.0f cycles ahead", ahead)] = o
		}
		for name, o := range orders {
			c, err := o.Allocate()
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			var regs [Registers]uint32
			cells, copied := map[int]uint32{}, map[int]uint32{}
			for i := range regs {
				regs[i] = rng.Uint32()
				cells[i] = rng.Uint32()
				copied[i] = cells[i]
			}
			want, wantCells := runBlock(b, regs, cells)
			got, gotCells := runCode(c, regs, copied)
			for r := range b.exit {
				if got[r] != want[r] {
					t.Fatalf("seed %d, %s: Z%d is %#x, want %#x", seed, name, r, got[r], want[r])
				}
			}
			for i, w := range wantCells {
				if gotCells[i] != w {
					t.Fatalf("seed %d, %s: cell %d is %#x, want %#x", seed, name, i, gotCells[i], w)
				}
			}
		}
	}
}

// TestResultsExchangeRegisters: rings of moves at the end of a block.
func TestResultsExchangeRegisters(t *testing.T) {
	for _, to := range [][]int{{1, 0}, {1, 2, 0}, {1, 0, 3, 2}, {2, 0, 1, 4, 3, 5}} {
		b := NewBlock()
		var regs [Registers]uint32
		for i, r := range to {
			b.Out(b.In(i), r)
			regs[i] = uint32(100 + i)
		}
		c, err := b.ProgramOrder().Allocate()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := runCode(c, regs, nil)
		for i, r := range to {
			if got[r] != regs[i] {
				t.Errorf("%v: Z%d is %d, want %d", to, r, got[r], regs[i])
			}
		}
	}
}

func TestTooManyValues(t *testing.T) {
	b := NewBlock()
	x := b.In(0)
	sum := x
	var v []Value
	for i := range Registers {
		v = append(v, b.Ror(x, i))
	}
	for _, y := range v {
		sum = b.Add(sum, y)
	}
	b.Out(b.Xor(sum, x), 0)
	if _, err := b.ProgramOrder().Allocate(); err == nil {
		t.Error("33 values at a time found registers")
	}
	o, err := b.BestOrder(Zen5, 100)
	if err != nil {
		t.Fatalf("the scheduler cannot avoid 33 values at a time: %v", err)
	}
	if _, err := o.Allocate(); err != nil {
		t.Error(err)
	}
}

func TestVerifyFindsAWrongRegister(t *testing.T) {
	b := NewBlock()
	b.Out(b.Add(b.Ror(b.In(0), 1), b.Ror(b.In(1), 2)), 5)
	o := b.ProgramOrder()
	for k := range 3 {
		c, err := o.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		c.insts[k].from[0] ^= 1
		if o.verify(c) == nil {
			t.Errorf("instruction %d reads another register and nothing is said", k)
		}
	}
}

func TestSwapOperands(t *testing.T) {
	for imm := range 256 {
		for i := range 8 {
			x, y, z := uint32(i>>2&1), uint32(i>>1&1), uint32(i&1)
			want := ternary(imm, x, y, z)
			if got := ternary(SwapOperands(imm, 1), y, x, z); got != want {
				t.Fatalf("function %#x with operands 0 and 1 swapped: %d, want %d", imm, got, want)
			}
			if got := ternary(SwapOperands(imm, 2), z, y, x); got != want {
				t.Fatalf("function %#x with operands 0 and 2 swapped: %d, want %d", imm, got, want)
			}
		}
	}
}

func TestSimulate(t *testing.T) {
	chain := func(length, chains int) *Code {
		b := NewBlock()
		for i := range chains {
			x := b.In(i)
			for range length {
				x = b.Ror(b.Add(x, x), 7)
			}
			b.Out(x, i)
		}
		c, err := b.ProgramOrder().Allocate()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	// One chain takes the latencies, 4 and 3 cycles for its two operations;
	// sixteen take what the units need, for shifts a cycle per two or one.
	for _, x := range []struct {
		m              Model
		chains, length int
		cycles         int
	}{
		{Zen5, 1, 100, 400}, {Zen4, 1, 100, 300}, {Zen5, 16, 1, 8}, {Zen4, 16, 1, 16},
	} {
		const times = 100
		got := Simulate(x.m, chain(x.length, x.chains), times)
		want := x.cycles * times
		if got < want || got > want+want/10+20 {
			t.Errorf("%s, %d chains of %d: %d cycles, want %d or few more", x.m.Name, x.chains, x.length, got, want)
		}
	}
}

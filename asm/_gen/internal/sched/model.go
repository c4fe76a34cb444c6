package sched

// Model is what the scheduler and the simulator know of a processor, per cycle
// and for 512-bit operations. Measured are the operations per cycle and the
// latencies of ALU and Shift (rotations; Zen 4's plain shifts are faster), on
// Zen 4 also those of Shuffle and of a load after a store, together. The other
// latencies are assumed, the windows are what the makers have published.
type Model struct {
	Name string

	Vector int // operations of the vector units
	Shifts int // of those, shifts and shuffles
	Loads  int

	Latency map[Class]int
	Busy    int // cycles for which an operation takes its unit, of four

	Dispatch int // instructions that enter the window
	Window   int // instructions in flight
	Waiting  int // vector operations that wait for operands
}

// Zen5 is the server core of AMD family 26 with its full 512-bit data path.
var Zen5 = Model{
	Name:   "Zen 5",
	Vector: 4, Shifts: 2, Loads: 2,
	Latency:  map[Class]int{ALU: 2, Shift: 2, Shuffle: 4, Load: 7, Store: 7, Move: 0},
	Busy:     1,
	Dispatch: 8, Window: 448, Waiting: 114,
}

// Zen4 is AMD family 25 models 16 and up: each 512-bit operation takes a
// 256-bit unit for two cycles.
var Zen4 = Model{
	Name:   "Zen 4",
	Vector: 2, Shifts: 1, Loads: 1,
	Latency:  map[Class]int{ALU: 1, Shift: 2, Shuffle: 4, Load: 7, Store: 5, Move: 0},
	Busy:     2,
	Dispatch: 6, Window: 320, Waiting: 64,
}

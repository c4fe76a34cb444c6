package main

// One instruction pair does four rounds of one stream (FIPS 180-4 §6.2.2):
//
//	SHA256H  sums, EFGH, ABCD   the four rounds' new a, b, c, d
//	SHA256H2 sums, ABCD, EFGH   the new e, f, g, h, from the old a, b, c, d
//
// where sums is W[t..t+3] + K[t..t+3]. Both read both halves of the state, so
// ABCD has to be copied first. Two more make the next words of the schedule,
// in place of those that were just used:
//
//	SHA256SU0 W[t+4..], W[t..]               W[t] += σ0(W[t+1]), and so on
//	SHA256SU1 W[t+12..], W[t+8..], W[t..]    += W[t+9], σ1(W[t+14]): W[t+16..]
//
// A stream is a chain: no group of four rounds can start before the one in
// front has ended, which takes several cycles, and in a padding block a group
// is only two such instructions. Other streams fill the gaps. How many it takes
// depends on the core: the latency of the two instructions times how many of
// them start per cycle, over two. Two streams do for a latency of four and one
// start per cycle; four do for twice that, and cost a smaller core nothing but
// code. Four is also exactly what fits without spilling: a pair's first
// compression starts from a constant, so that no stream has to keep its old
// state beside the new one, and
//
//	V0  … V15   W, four registers for each of four streams
//	V16 … V23   ABCD and EFGH of each stream
//	V24 … V27   sums of each stream
//	V28 … V31   copy of ABCD of each stream
//
// is all there are. Counts that are no multiple of four end with two streams
// and one. The choice is by this reckoning alone: it is unmeasured, since no
// arm64 machine was at hand.

// maxStreams is what the registers allow.
const maxStreams = 4

// General registers. R16 to R18 and R26 to R31 belong to the linker, the
// platform and Go.
const (
	dst    = "R0"
	src    = "R1" // behind the blocks that were loaded last
	count  = "R2" // of what is still to do
	tab    = "R3" // the table
	cursor = "R4" // in the table's K, or K+W, of the next four rounds
	iv     = "R5" // the table's initial state and what follows it
	spill  = "R6" // the frame
	byteAt = "R7" // the one byte of a node's second block that varies
)

func message(stream, part int) vec { return vec(4*stream + part%4) }
func abcd(stream int) vec          { return vec(16 + 2*stream) }
func efgh(stream int) vec          { return abcd(stream) + 1 }
func sums(stream int) vec          { return vec(24 + stream) }
func old(stream int) vec           { return vec(28 + stream) }

// compress does the 64 rounds of one block of each stream, with W in
// message(…) and K at cursor, which moves on by 256 bytes.
func compress(t *text, streams int) {
	for group := range 16 {
		t.comment("rounds %d to %d", 4*group, 4*group+3)
		k := sums(0) // overwritten last, so that one register less is needed
		t.op("VLD1.P", offset(16, cursor), k.list(1, "S4"))
		for s := streams - 1; s >= 0; s-- {
			t.op("VADD", k.words(), message(s, group).words(), sums(s).words())
		}
		fourRounds(t, streams, sums)
		if group < 12 { // W[63] was made from W[47] in group 11
			schedule(t, streams, group)
		}
	}
}

// compressPadding does the same with the finished sums at cursor, which all
// streams share: the block that pads a pair is the same behind every pair.
func compressPadding(t *text, streams int) {
	for group := range 16 {
		t.comment("padding, rounds %d to %d", 4*group, 4*group+3)
		shared := sums(group % 2) // in turn: the next load need not wait
		t.op("VLD1.P", offset(16, cursor), shared.list(1, "S4"))
		fourRounds(t, streams, func(int) vec { return shared })
	}
}

// fourRounds does the rounds of one pair of instructions in every stream.
func fourRounds(t *text, streams int, sums func(stream int) vec) {
	for s := range streams {
		t.op("VMOV", abcd(s).bytes(), old(s).bytes())
	}
	for s := range streams {
		t.op("SHA256H", sums(s).words(), efgh(s).q(), abcd(s).q())
	}
	for s := range streams {
		t.op("SHA256H2", sums(s).words(), old(s).q(), efgh(s).q())
	}
}

// schedule makes the words W[t+16..] of every stream, in place of W[t..], the
// four of the given group.
func schedule(t *text, streams, group int) {
	w := func(s, later int) string { return message(s, group+later).words() }
	for s := range streams {
		t.op("SHA256SU0", w(s, 1), w(s, 0))
	}
	for s := range streams {
		t.op("SHA256SU1", w(s, 3), w(s, 2), w(s, 0))
	}
}

// startFromIV sets the streams' states to the initial one and cursor to K.
func startFromIV(t *text, streams int) {
	t.op("MOVD", tab, cursor)
	for s := range streams {
		t.op("VLD1", mem(iv), abcd(s).list(2, "S4"))
	}
}

// addIV ends a compression that started from the initial state.
func addIV(t *text, streams int) {
	a := sums(0) // free between compressions
	t.op("VLD1", mem(iv), a.list(2, "S4"))
	for s := range streams {
		t.op("VADD", a.words(), abcd(s).words(), abcd(s).words())
		t.op("VADD", (a + 1).words(), efgh(s).words(), efgh(s).words())
	}
}

// keepState copies the states to registers of W that the padding, whose sums
// are finished, leaves free.
func keepState(t *text, streams int) {
	for s := range streams {
		t.op("VMOV", abcd(s).bytes(), message(s, 0).bytes())
		t.op("VMOV", efgh(s).bytes(), message(s, 1).bytes())
	}
}

// addKept ends a compression that started from the kept states.
func addKept(t *text, streams int) {
	for s := range streams {
		t.op("VADD", message(s, 0).words(), abcd(s).words(), abcd(s).words())
		t.op("VADD", message(s, 1).words(), efgh(s).words(), efgh(s).words())
	}
}

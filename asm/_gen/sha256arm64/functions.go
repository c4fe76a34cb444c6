package main

import "fmt"

// function is one declared function and its body.
type function struct {
	name   string
	params string
	doc    string // of the declaration, in lines that start with //
	frame  int    // bytes of locals
	body   func(t *text)
}

const batchParams = "dst, src *byte, n int"

// nodeFrame holds the states of nodes between their two blocks.
const nodeFrame = 32 * maxStreams

// functions are what the assembly file holds. The lengths are the caller's
// business: a count is trusted. Every digest of a group of streams is stored
// after all of the group's input was read, which is what makes dst = src safe.
var functions = []function{
	{
		name: "sha2Pairs", params: batchParams,
		doc: "// sha2Pairs sets digest i of dst to SHA-256(pair i of src) for n pairs.\n",
		body: batch(func(t *text, streams int) {
			loadMessages(t, streams)
			pairDigest(t, streams)
			storeDigests(t, streams)
		}),
	},
	{
		name: "sha2Nodes", params: batchParams, frame: nodeFrame,
		doc:  "// sha2Nodes sets digest i of dst to SHA-256(0x01 ‖ pair i of src) for n pairs.\n",
		body: batch(nodes),
	},
	{
		name: "sha2DPairs", params: batchParams,
		doc: "// sha2DPairs sets digest i of dst to SHA-256(SHA-256(pair i of src)) for n\n// pairs.\n",
		body: batch(func(t *text, streams int) {
			loadMessages(t, streams)
			pairDigest(t, streams)
			digestDigest(t, streams)
			storeDigests(t, streams)
		}),
	},
	{
		name: "sha2Blocks", params: "state *[8]uint32, p *byte, n int",
		doc:  "// sha2Blocks compresses n blocks of 64 bytes into state, one after the other.\n// n is 1 or more.\n",
		body: blocks,
	},
}

func (f function) emit(t *text) {
	fmt.Fprintf(t, "\n// func %s(%s)\n", f.name, f.params)
	fmt.Fprintf(t, "TEXT ·%s(SB), NOSPLIT, $%d-24\n", f.name, f.frame)
	f.body(t)
	t.op("RET")
}

// batch does work four items at a time, then two, then one.
func batch(work func(t *text, streams int)) func(t *text) {
	return func(t *text) {
		t.op("MOVD", argument("dst", 0), dst)
		t.op("MOVD", argument("src", 8), src)
		t.op("MOVD", argument("n", 16), count)
		t.op("MOVD", tableAt(atK), tab)
		t.op("MOVD", tableAt(atIV), iv)

		t.label("four")
		t.op("CMP", imm(4), count)
		t.op("BLT", "two")
		work(t, 4)
		t.op("SUB", imm(4), count)
		t.op("B", "four")

		t.label("two")
		t.op("TBZ", imm(1), count, "one")
		work(t, 2)

		t.label("one")
		t.op("TBZ", imm(0), count, "done")
		work(t, 1)

		t.label("done")
	}
}

// loadMessages reads a block of each stream, as big-endian words.
func loadMessages(t *text, streams int) {
	readMessages(t, streams)
	toWords(t, streams)
}

// readMessages reads a block of each stream as it is.
func readMessages(t *text, streams int) {
	for s := range streams {
		t.op("VLD1.P", offset(64, src), message(s, 0).list(4, "B16"))
	}
}

// toWords turns each word's bytes around: SHA-256 is big-endian, the lanes are
// not.
func toWords(t *text, streams int) {
	for s := range streams {
		for part := range 4 {
			w := message(s, part).bytes()
			t.op("VREV32", w, w)
		}
	}
}

// storeDigests writes the states as big-endian words.
func storeDigests(t *text, streams int) {
	for s := range streams {
		t.op("VREV32", abcd(s).bytes(), abcd(s).bytes())
		t.op("VREV32", efgh(s).bytes(), efgh(s).bytes())
		t.op("VST1.P", abcd(s).list(2, "B16"), offset(32, dst))
	}
}

// pairDigest hashes messages of one block: the block, then its padding, which
// finds cursor at the padding's sums.
func pairDigest(t *text, streams int) {
	startFromIV(t, streams)
	compress(t, streams)
	addIV(t, streams)
	keepState(t, streams)
	compressPadding(t, streams)
	addKept(t, streams)
}

// digestDigest hashes the digests in the states: with its padding, a digest is
// one block, and its words need no turning.
func digestDigest(t *text, streams int) {
	t.comment("the digests are messages now")
	t.op("ADD", imm(atTail-atIV), iv, spill)
	for s := range streams {
		t.op("VMOV", abcd(s).bytes(), message(s, 0).bytes())
		t.op("VMOV", efgh(s).bytes(), message(s, 1).bytes())
		t.op("VLD1", mem(spill), message(s, 2).list(2, "S4"))
	}
	startFromIV(t, streams)
	compress(t, streams)
	addIV(t, streams)
}

// nodes hashes 0x01 ‖ pair, two blocks of
//
//	01 s0 … s62
//	s63 80 00 … 00 02 08     (520 bits)
//
// whose second schedule depends on s63, so that it is not a constant. Its W
// takes the registers in which pairs keep their state: that goes to the frame.
func nodes(t *text, streams int) {
	readMessages(t, streams)
	front := sums(0)
	t.op("ADD", imm(atFront-atIV), iv, spill)
	t.op("VLD1", mem(spill), front.list(1, "B16"))
	for s := range streams {
		shiftIn(t, s, front)
	}
	toWords(t, streams)
	startFromIV(t, streams)
	compress(t, streams)
	addIV(t, streams)

	t.comment("second blocks")
	t.op("MOVD", local("state", nodeFrame), spill)
	for s := range streams {
		t.op("VST1.P", abcd(s).list(2, "S4"), offset(32, spill))
	}
	t.op("ADD", imm(atNode-atIV), iv, spill)
	for s := range streams {
		t.op("MOVBU", offset(-64*(streams-1-s)-1, src), byteAt)
		t.op("LSL", imm(24), byteAt)
		t.op("ORR", "$0x800000", byteAt)
		t.op("VEOR", message(s, 0).bytes(), message(s, 0).bytes(), message(s, 0).bytes())
		t.op("VMOV", byteAt, message(s, 0).q()+".S[0]")
		t.op("VLD1", mem(spill), message(s, 1).list(3, "S4"))
	}
	t.op("MOVD", tab, cursor)
	compress(t, streams)
	t.op("MOVD", local("state", nodeFrame), spill)
	for s := range streams {
		t.op("VLD1.P", offset(32, spill), sums(0).list(2, "S4"))
		t.op("VADD", sums(0).words(), abcd(s).words(), abcd(s).words())
		t.op("VADD", sums(1).words(), efgh(s).words(), efgh(s).words())
	}
	storeDigests(t, streams)
}

// shiftIn moves the 64 bytes of a message up by one and sets the first to the
// last byte of front.
func shiftIn(t *text, stream int, front vec) {
	for part := 3; part >= 0; part-- {
		w, below := message(stream, part), front
		if part > 0 {
			below = message(stream, part-1)
		}
		t.op("VEXT", imm(15), w.bytes(), below.bytes(), w.bytes())
	}
}

// blocks chains the blocks of one message: one stream, since there is nothing
// to put beside it. That leaves room for all of K.
//
//	V0 … V3     W                    V8, V9      state before the block
//	V4, V5      ABCD, EFGH           V16 … V31   K
//	V6, V7      sums, copy of ABCD
func blocks(t *text) {
	const a, e, sum, copyOfA, before, k = vec(4), vec(5), vec(6), vec(7), vec(8), vec(16)
	t.op("MOVD", argument("state", 0), dst)
	t.op("MOVD", argument("p", 8), src)
	t.op("MOVD", argument("n", 16), count)
	t.op("MOVD", tableAt(atK), cursor)
	for i := vec(0); i < 16; i += 4 {
		t.op("VLD1.P", offset(64, cursor), (k+i).list(4, "S4"))
	}
	t.op("VLD1", mem(dst), a.list(2, "S4"))

	t.label("block")
	loadMessages(t, 1)
	t.op("VMOV", a.bytes(), before.bytes())
	t.op("VMOV", e.bytes(), (before + 1).bytes())
	for group := range 16 {
		t.comment("rounds %d to %d", 4*group, 4*group+3)
		t.op("VADD", (k + vec(group)).words(), message(0, group).words(), sum.words())
		t.op("VMOV", a.bytes(), copyOfA.bytes())
		t.op("SHA256H", sum.words(), e.q(), a.q())
		t.op("SHA256H2", sum.words(), copyOfA.q(), e.q())
		if group < 12 {
			schedule(t, 1, group)
		}
	}
	t.op("VADD", before.words(), a.words(), a.words())
	t.op("VADD", (before + 1).words(), e.words(), e.words())
	t.op("SUBS", imm(1), count, count)
	t.op("BNE", "block")
	t.op("VST1", a.list(2, "S4"), mem(dst))
}

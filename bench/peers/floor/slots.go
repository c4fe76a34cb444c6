package floor

// Lanes is the number of messages that one 512-bit vector holds words of.
const Lanes = 16

// Slots of a 512-bit vector unit for 16 lanes: one for each operation that
// occupies a pipe. Rotations and three-input logic are one operation each
// (VPRORD, VPTERNLOGD), memory operands and moves between registers are free.
const (
	// SHA-256, FIPS 180-4 §6.2.2. A round has two sums of three rotations and
	// an exclusive or of three, Ch and Maj of one each, and the additions: 16
	// where K+W is a constant, one more where W varies. A step of the message
	// schedule has two sigmas of four and three additions.
	roundSlots    = 16
	sigmaSlots    = 4
	scheduleSlots = 2*sigmaSlots + 3
	feedSlots     = 8  // the state is added to what came in
	transposeIn   = 80 // 16 words of 16 messages, with their bytes turned around
	transposeOut  = 48 // 8 words of 16 digests

	// PairSlots are those of 16 pairs of 64 bytes: a block that varies, a
	// constant one, and the transpositions. The first state is constant, so
	// one feed-forward is folded into the second block's.
	PairSlots = 64*(roundSlots+1) + 48*scheduleSlots + 64*roundSlots + feedSlots + transposeIn + transposeOut
	// BlockSlots are those of one block of 16 long messages.
	BlockSlots = 64*(roundSlots+1) + 48*scheduleSlots + feedSlots + transposeIn

	// BLAKE3 (paper §2.2): 7 rounds of 8 quarter rounds of 14 operations, the
	// exclusive ors of the output, and the transposition of the message.
	BLAKE3BlockSlots  = 7*8*14 + 8 + 64
	BLAKE3ParentSlots = BLAKE3BlockSlots + 32 // and that of the values
)

// Slots of what follows a first block of 64 varying bytes.
var (
	// NodeSlots are those of 16 interior nodes of RFC 6962: the second of
	// their blocks has one varying word, the last byte of the pair before the
	// padding.
	NodeSlots = BlockSlots + secondBlock(1) + transposeOut
	// DoublePairSlots are those of 16 pairs hashed twice: a third block has a
	// digest before constant padding. The inner digest stays where it is.
	DoublePairSlots = PairSlots + secondBlock(8)
)

// secondBlock counts the slots of a block of which only the first words vary.
// Where all terms of a word are constant it costs nothing; the constant terms
// of the others are one addition together.
func secondBlock(varying int) int {
	var varies [64]bool
	slots := feedSlots
	for t := range varies {
		slots += roundSlots
		if t < 16 {
			varies[t] = t < varying
		} else {
			s, v := scheduleStep(&varies, t)
			slots, varies[t] = slots+s, v
		}
		if varies[t] {
			slots++ // K and W are added apart
		}
	}
	return slots
}

// scheduleStep returns the slots of W[t] and whether it varies.
func scheduleStep(varies *[64]bool, t int) (slots int, v bool) {
	terms, constant := 0, false
	for _, term := range []struct {
		varies bool
		slots  int
	}{{varies[t-2], sigmaSlots}, {varies[t-7], 0}, {varies[t-15], sigmaSlots}, {varies[t-16], 0}} {
		if !term.varies {
			constant = true
			continue
		}
		terms++
		slots += term.slots
	}
	if terms == 0 {
		return 0, false
	}
	if constant {
		terms++
	}
	return slots + terms - 1, true
}

// Package floor says how fast a processor could be at best: cycles per piece
// of hashing work, computed from the slots of its vector units, and the clock
// frequency to turn cycles into nanoseconds.
//
// A ratio to another library says who is faster. Only the floor says how much
// is left to gain. Where there is no model of the processor there is no floor,
// and the package says so.
package floor

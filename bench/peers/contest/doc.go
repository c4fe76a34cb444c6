// Package contest times several ways to do the same work beside each other,
// and checks every answer.
//
// A row is one piece of work: an input, and the answer that everybody has to
// give. Its contestants are measured in rounds. In each round every contestant
// takes one sample, in an order that changes from round to round, so that a
// change of clock frequency or a busy neighbour hits all of them alike; what
// is compared is always the samples of one round. The unit of replication is
// the round, and the answer is a ratio with a distribution-free interval.
//
// A sample is a series of parts, short against a time slice of the operating
// system, and its figure is the median part: an interruption spoils a part and
// not the sample. Each part runs at another depth of the stack, see
// cpu.AtDepth.
//
// The answers of all calls of a part lie side by side and are compared with
// the right one after the clock has stopped. A wrong one ends the row with
// ErrWrongAnswer: a fast wrong kernel is the usual win.
package contest

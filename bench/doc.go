// Package bench runs experiments: it starts a node, offers it load, watches its
// wire, its processor and its disk from outside, searches for the knee and
// turns what it saw into a record.
//
//	target   the node under test: a child process of our own, or a remote one
//	trial    one schedule against the target, with every counter read at its ends
//	run      link test, search, verdict, record
//
// The parts that decide are pure packages below this one (knee, capacity,
// stat); the parts that observe are probe, link, netlab and env. This package
// brings them together and prints nothing.
package bench

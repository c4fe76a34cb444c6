// Package results is the record of a measurement: what was asked, what was
// seen and what was concluded, one JSON object per line.
//
// A record starts with an env line (the machine's fingerprint), goes on with
// the window lines (raw counts per interval) and the trial line of every
// trial, and ends with one summary line. A record without a summary line was
// interrupted; everything before the last complete line is still valid.
//
// Three rules hold everywhere. Keys are snake_case with the unit last. What is
// not known is null, a nil pointer in Go, and never 0, because a reader cannot
// tell a measured zero from a missing one. NaN and infinity do not exist: an
// encoder refuses them and names the field, because they mean that a division
// upstream went wrong.
//
// The package knows nothing of nodes, probes or statistics, so that a record
// can be read by a program that compiles none of them.
package results

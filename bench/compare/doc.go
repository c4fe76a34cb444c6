// Package compare holds two results against each other: records of weir run,
// objects of weir load, or Go benchmark text. Every quantity that both sides
// have becomes a row with a ratio, the interval of shifts that the exact
// Mann–Whitney test does not reject, and a verdict. The unit of replication is
// one run of a process: the trials and windows inside a record are not
// independent of each other and never raise the number of runs.
//
// Package compare also reads series of records and finds where they change
// (History).
package compare

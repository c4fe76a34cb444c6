// Package env looks at the machine before it is measured: what it is, so that
// records of different machines are not compared, and what on it will spoil a
// measurement.
//
// Read only reads files under /proc and /sys; the one thing it does is a short
// series of small durable writes in the data folder, when asked to. Nothing
// here fails: what cannot be learnt stays null in the fingerprint and is named
// in a warning. Outside Linux most values are unknown and a warning says so.
//
// The counters (ReadHostCPU, DiskBusyNS, ReadProcessCPU) only ever grow and are
// read at both ends of a window. They do return errors, because a window
// without its counters is not a measurement.
package env

// Package cpu knows the processor and decides which implementation of a kernel
// runs on it.
//
// A kernel is one piece of hashing work, such as "sha256_pairs". Several
// implementations can do it; the first one registered is the specification: it
// runs on every machine and the others are compared with it. Which of them is
// fastest depends on the processor and on the size of the job, and no list of
// processors stays right for long, so the choice is made by measuring: the
// first time a kernel is asked, every implementation that this processor can
// run is timed on a short ladder of sizes, a few milliseconds in all, and the
// result is a table of crossovers that [Kernel.Pick] reads from then on. Calls
// that come meanwhile are served by an implementation named beforehand, or wait
// in [Kernel.PickSettled].
//
// The package never prints, never writes a file, and measures nothing at
// import. A program that wants to keep a choice for its next start takes it as
// plain data from [Registry.Export] and gives it back to [Registry.Import].
//
// In order of precedence the choice comes from [Registry.Override], from the
// environment variable WEIR_IMPL, from an imported calibration, and from the
// measurement.
package cpu

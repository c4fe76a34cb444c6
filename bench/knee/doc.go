// Package knee searches for the highest offered rate that a system sustains:
// the rate at which loss, commit latency, backlog growth and send fidelity
// all still hold. The answer is an interval [lower, upper] whose lower end
// passed several trials of full length and whose upper end failed.
//
// The method follows MLRsearch (IETF draft-ietf-bmwg-mlrsearch) in spirit:
// grow exponentially until a trial fails, narrow the bracket with short
// trials while it is wide and full ones when it is tight, confirm the lower
// bound again and again, report both bounds. A single trial is never the
// answer, because systems warm up, pause and collapse.
//
// The package knows nothing about how a trial is run: a Runner is asked for a
// rate and a length and returns counts. It reads no clock but the one in its
// Config, so the tests run in virtual time, and it decides nothing at random:
// the same observations give the same search.
package knee

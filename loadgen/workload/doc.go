// Package workload turns a description of what users do (transfers, items of
// digital collections, key-values, in any mix) into signed transactions that a
// load run sends.
//
//	text (YAML 1.2) ──Parse──▶ Workload ──Open(chain, seed)──▶ Source ──▶ loadgen.Run
//	                                                          └▶ Setup, committed before the first trial
//
// The same description, chain and seed give the same bytes, whatever the number
// of cores and however the source grew. Choices are drawn one after the other,
// which is cheap; encoding and signing is spread over the cores.
//
// Transactions of a workload stay valid when connections overtake each other,
// within Source.OrderSlackTxs: no transaction of a run needs another one of the
// same run, except that an item changes hands again after all others have.
package workload

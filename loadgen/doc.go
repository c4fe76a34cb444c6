// Package loadgen offers load to a weir node and records what became of it.
//
// A schedule, computed from a seed before the first send, fixes when each
// transaction is to be sent. The load is open: a slow node does not slow the
// schedule down, and every latency counts from the intended time, so that
// waiting to be sent is part of it. Transactions are signed beforehand; while
// load is offered, nothing is computed or allocated per transaction.
//
//	Times ──► pacer ──► sender (one per connection) ──► node
//	                                                     │
//	results ◄── outcome ◄── recorder (one per connection) ◄┘
//
// The package schedules, sends and records. It judges nothing, except that it
// says when its own record cannot be trusted: answers that contradict each
// other, counts that do not add up, a connection that broke, an interruption.
package loadgen

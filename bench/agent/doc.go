// Package agent tells a measuring run what a node on another machine uses: the
// CPU time of the node's process and of its whole host, what its disk does, and
// what the node's port puts on the wire, counted at the node's side.
//
// Serve runs beside the node and answers; Dial is the run's end. They speak
// JSON lines over TLS 1.3, each with a certificate that the other one checks:
// there is no way to turn that off. Init makes the certificates.
//
//	→ {"id":7,"op":"snapshot","sent_unix_ns":t1}
//	← {"id":7,"reading":{…},"received_unix_ns":t2,"sent_unix_ns":t3}
//
// A question is "hello" (what is watched), "clock" (nothing but the time),
// "snapshot" (read every counter now) or "stream" (from now on one reading a
// second, with id 0). Every answer carries the times of RFC 5905 §8, from which
// the run computes how far the two clocks are apart and how sure that is.
//
// The agent reads and never writes, and is bounded: a few sessions, short
// questions, some hundred of them a second, and nobody is waited for for long.
// Connections that have not shown a certificate yet take no session's place, and
// make room for newer ones.
// A value that cannot be read is missing in the answer, with a reason, and
// never zero.
package agent

// Package link tells how many bits per second a network path carries, in each
// direction: it measures, by a bounded bulk transfer over TCP, and it reads
// what the interface claims.
//
// The figure that matters is the measured layer-2 rate: frame bytes with the
// 14-byte Ethernet header, without the frame check sequence and the gap. That
// is the layer at which the wire is observed elsewhere in weir, so the two can
// be divided. It is counted at the receiver, over a window that leaves out the
// start (slow start, and the bucket of a shaper that was idle) and the end,
// and converted from TCP payload by the kernel's own count of segments.
//
// What it is not: a bulk transfer of one flow finds the capacity that one flow
// gets, now, next to whatever else uses the path. Over loopback it measures
// how fast this machine copies memory, and the result says so.
//
// Look adds trains of datagrams, small frames and round trips, idle and under
// load, and what the interfaces at both ends claim and are shaped to.
//
// "In" and "out" are seen from the node: in is towards the Server, out is from
// it. The server refuses a second test while one runs and bounds each by time
// and bytes. A token is proven by HMAC-SHA256 and never sent. Datagrams go only
// to an address that returned, over TCP, a nonce that it got there by UDP.
package link

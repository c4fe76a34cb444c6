// Package probe watches the wire of one TCP server port from outside: how many
// frames and bytes went into the node and came out of it, as a cable would
// have carried them. It knows nothing of transactions; dividing its counters by
// committed transactions gives the wire bytes per transaction.
//
// There are three observers behind one interface, best first:
//
//	ebpf      every frame at the interface (tcx), exact, Linux 6.6 and caps
//	sockdiag  the kernel's TCP_INFO of each socket, headers computed, any user
//	app       what the caller read and wrote, headers computed, any system
//
// Open takes the best one that this machine allows, and its Report says which
// that is, why a better one was refused and what would allow it. A number that
// a source cannot know is unknown, never 0.
//
// Interface counters (/proc/net/dev) are no source here: they cannot be told
// apart by port, and they miss the headers of segmented packets.
package probe

// Package netlab builds a private, shaped network inside one Linux machine:
// two anonymous network namespaces, the node's and the client's, joined by a
// veth pair whose two ends each pass a token bucket filter (TBF) of the asked
// rate. A node in one namespace and a load generator in the other then talk
// over a link whose capacity is known, which is how a prediction about that
// link is checked without owning the hardware.
//
//	     node namespace                      client namespace
//	198.18.0.1/30 weir-node ──TBF──▶ ◀──TBF── weir-client 198.18.0.2/30
//	    held by a process                    held by a process
//
// Nothing outlives the program. A namespace lives as long as a process or a
// socket in it does, and each is held by a child (a "holder") that the kernel
// kills together with the program that opened the lab, also after kill -9.
// No name is bound under /run/netns, and the host's own interfaces, routes and
// settings are never touched.
//
// The holder is this same binary started again, so a program that opens labs
// must call MaybeRunHolder first in main, and first in TestMain in its tests.
//
// A user without privileges may do the same inside a user namespace. A
// multi-threaded program cannot enter one, so the whole program is started
// again inside it: see Check and Reexec.
//
// The package shapes the rate and the queue. Frames can be lost by chance, the
// same ones for the same seed, and the link can be cut, both by a small eBPF
// program where frames arrive, which counts them exactly. A delay is added by
// netem where the kernel has it, and refused in words where not. There is no
// reordering, no network card is emulated, and both ends still share one
// machine's processors.
package netlab

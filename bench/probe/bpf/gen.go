// Package bpf holds the compiled eBPF programs of the probe, and the Go code that
// loads them. Each program has its own C source and object, so that one which the
// kernel refuses takes no other with it:
//
//	wire     frames of one TCP port at an interface (tcx)
//	device   frames per class of ports at an interface (tcx): TCP, UDP, the rest
//	group    the same for the sockets of a control group (cgroup_skb)
//	sockets  the kernel's own counters of each TCP socket (tp_btf, iterators)
//	rtt      round trips and closed sockets without BTF (sockops)
//	qdisc    time in the queueing discipline (tp_btf)
//	softirq  time in softirqs and NAPI polls (tp_btf)
//	sched    time from runnable to running (tp_btf)
//
// The objects and the Go files beside them are generated, and both are
// committed, so that building weir needs no C compiler. Regenerating needs clang
// with the BPF target and must give the same bytes.
//
// The objects are little-endian: on a big-endian machine this package is empty.
package bpf

// The packet counters and rtt carry no relocations against the running kernel,
// so they work without the kernel's BTF. The others are relocated by it when
// they are loaded (CO-RE).
//
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type flow Wire wire.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type traffic -type peer_key -type lost Device device.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel Group group.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type socket_record Sockets sockets.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type rtt_histogram -type rtt_record Rtt rtt.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type delay Qdisc qdisc.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type softirq_time Softirq softirq.c -- -O2 -Wall -Wextra -Werror -mcpu=v3
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type run_wait Sched sched.c -- -O2 -Wall -Wextra -Werror -mcpu=v3

// Package bpf holds the compiled eBPF program that counts frames of one TCP
// port, and the Go code that loads it. The C source is wire.c; the object and
// the Go file beside it are generated, and both are committed, so that building
// weir needs no C compiler. Regenerating needs clang with the BPF target and
// must give the same bytes.
//
// The object is little-endian: on a big-endian machine this package is empty.
package bpf

// The object carries no relocations against the running kernel, so it needs
// neither the kernel's BTF nor one build per architecture.
//
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -tags linux -target bpfel -type flow Wire wire.c -- -O2 -Wall -Wextra -Werror -mcpu=v3

// Package merklebench times Merkle roots and holds them against the floor: what
// the node kernel alone takes for as many nodes. The distance between the two
// is what building a tree costs on top of hashing.
//
// Roots and kernels are timed in turns, so that a change of the machine's speed
// meets both, and every root that is timed is compared with one computed before
// over crypto/sha256 alone: a fast wrong tree does not count.
package merklebench

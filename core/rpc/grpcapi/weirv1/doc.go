// Package weirv1 is the code that ../proto/weir/v1 gives: messages, client and
// server of a node's gRPC interface. See the .proto file for what they mean.
package weirv1

//go:generate go -C ../_gen run . -proto ../proto -out ../weirv1 weir/v1/node.proto

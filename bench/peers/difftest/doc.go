// Package difftest compares package hash with libraries that were written
// apart from it: every implementation of every kernel with crypto/sha256 or
// with two other BLAKE3s, on inputs that the tests draw. It has tests only.
//
//	go test ./difftest
//	go test ./difftest -run '^$' -fuzz FuzzBLAKE3 -fuzztime 1m
package difftest

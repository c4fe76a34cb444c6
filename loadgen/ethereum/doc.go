// Package ethereum offers load to an Ethereum node by its JSON-RPC: signed
// EIP-1559 transfers by eth_sendRawTransaction in batches, many in flight on
// each connection, inclusion by new heads.
//
// Its encoder is a small one of its own: go-ethereum's packages are under the
// LGPL and are not linked into weir. Transactions are checked against them in
// bench/peers, and against a real node there.
package ethereum

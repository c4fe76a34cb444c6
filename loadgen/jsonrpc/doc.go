// Package jsonrpc is what load on servers that speak JSON-RPC 2.0 needs,
// whatever their transactions are: streams of messages with many requests in
// flight, over WebSocket or pipelined HTTP/1.1; a plain client for single
// questions; the table that finds the sequence number of a transaction that
// shows up in a block; and sources of transactions of any length.
package jsonrpc

// Package cometbft offers load to a CometBFT node by its JSON-RPC: transactions
// by broadcast_tx_sync (or _async) over WebSocket, many in flight on each
// connection, commits by a subscription to new blocks.
//
// One subscription to NewBlock serves all connections. It costs one message a
// block, with the transactions and the results of all of them, where a
// subscription to Tx costs a message for each transaction with the same in it,
// and fills the node's buffer for the subscriber (200 events by default,
// [rpc] experimental_subscription_buffer_size) as soon as a block has more
// transactions than that: the node then ends the subscription. Should that
// happen to this one too, the run ends as invalid, with the node's words.
package cometbft

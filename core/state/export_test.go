package state

import "github.com/chainweir/weir/core/tx"

// ExecuteOn is Execute on so many lanes, however small the block; at most as
// many as SetWorkers has allowed.
func (s *State) ExecuteOn(lanes int, height uint64, txs []tx.View, status []tx.Status) {
	s.executeOn(lanes, height, txs, status)
}

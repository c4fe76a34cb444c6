package cometbft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// newBlock is what counts of a NewBlock event.
type newBlock struct {
	Query string `json:"query"`
	Data  struct {
		Value struct {
			Block struct {
				Header struct {
					Height string `json:"height"`
				} `json:"header"`
				Data struct {
					Txs [][]byte `json:"txs"`
				} `json:"data"`
			} `json:"block"`
			Result struct {
				TxResults []txResult `json:"tx_results"`
			} `json:"result_finalize_block"`
		} `json:"value"`
	} `json:"data"`
}

type txResult struct {
	Code      uint32 `json:"code"`
	Log       string `json:"log"`
	Codespace string `json:"codespace"`
}

// watch reads blocks until the stream ends, and returns why it did.
func (t *Target) watch(hub *jsonrpc.Hub, s *jsonrpc.Stream) error {
	last := int64(0)
	err := s.Listen(func(m *jsonrpc.Message) error { return t.block(hub, m, &last) })
	if errors.Is(err, jsonrpc.ErrEnded) {
		err = fmt.Errorf("%w: %w; what commits from here on is not seen", ErrSubscription, err)
	}
	return err
}

// block passes on what one event says. Heights must follow each other: a block
// that was left out would make its transactions look lost.
func (t *Target) block(hub *jsonrpc.Hub, m *jsonrpc.Message, last *int64) error {
	if m.Error != nil {
		return fmt.Errorf("%w: %w; raise [rpc] experimental_subscription_buffer_size in its config.toml, or free the machine", ErrSubscription, m.Error)
	}
	var e newBlock
	if err := json.Unmarshal(m.Result, &e); err != nil {
		return fmt.Errorf("cannot read a NewBlock event: %w", err)
	}
	if e.Query == "" {
		return nil // no event
	}
	v := &e.Data.Value
	height, err := strconv.ParseInt(v.Block.Header.Height, 10, 64)
	if err != nil {
		return fmt.Errorf("cannot read a NewBlock event: height %q", v.Block.Header.Height)
	}
	if *last != 0 && height != *last+1 {
		return fmt.Errorf("%w: block %d came after block %d", ErrSubscription, height, *last)
	}
	*last = height
	txs, rs := v.Block.Data.Txs, v.Result.TxResults
	if len(txs) != len(rs) {
		return fmt.Errorf("block %d has %d transactions and %d results", height, len(txs), len(rs))
	}
	keys := make([]uint64, len(txs))
	for i, tx := range txs {
		keys[i] = keyOf(tx)
	}
	hub.Block(keys, func(i int) uint8 {
		if r := &rs[i]; r.Code != 0 {
			return t.codes.Code(refusal("app", r.Codespace, r.Code), r.Log)
		}
		return loadgen.CodeOK
	})
	return nil
}

// refusal names a code: at which stage, the number, and whose it is.
func refusal(stage, codespace string, code uint32) string {
	s := stage + " code " + strconv.FormatUint(uint64(code), 10)
	if codespace != "" {
		s += " of " + codespace
	}
	return s
}

// Status is what a node says of itself.
type Status struct {
	Network string // chain id
	Version string
	Height  int64
}

// Status asks the node.
func (t *Target) Status(ctx context.Context) (Status, error) {
	var r struct {
		NodeInfo struct {
			Network string `json:"network"`
			Version string `json:"version"`
		} `json:"node_info"`
		SyncInfo struct {
			Height string `json:"latest_block_height"`
		} `json:"sync_info"`
	}
	if err := t.ask.Call(ctx, &r, "status"); err != nil {
		return Status{}, fmt.Errorf("CometBFT at %s: %w", t.addr, err)
	}
	h, err := strconv.ParseInt(r.SyncInfo.Height, 10, 64)
	if err != nil || r.NodeInfo.Network == "" {
		return Status{}, fmt.Errorf("%s does not answer as a CometBFT node does: status has the height %q and the network %q", t.addr, r.SyncInfo.Height, r.NodeInfo.Network)
	}
	return Status{Network: r.NodeInfo.Network, Version: r.NodeInfo.Version, Height: h}, nil
}

// Waiting is the number of transactions in the node's mempool.
func (t *Target) Waiting(ctx context.Context) (int, error) {
	var r struct {
		Total string `json:"total"`
	}
	if err := t.ask.Call(ctx, &r, "num_unconfirmed_txs"); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(r.Total)
	if err != nil {
		return 0, fmt.Errorf("num_unconfirmed_txs: %q is no number", r.Total)
	}
	return n, nil
}

// settlePoll is how often the mempool is looked at.
const settlePoll = 50 * time.Millisecond

// Settle waits until nothing waits in the mempool.
func (t *Target) Settle(ctx context.Context, _ int) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		n, err := t.Waiting(ctx)
		if err == nil && n == 0 {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%d transactions still wait in the mempool of %s: is somebody else sending?", n, t.addr), ctx.Err())
		}
	}
}

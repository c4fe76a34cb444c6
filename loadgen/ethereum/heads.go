package ethereum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// ErrHeads says that inclusion can no longer be seen.
var ErrHeads = errors.New("the chain's head can no longer be followed")

// announcedLimit is how long an announced block may be unreadable.
const announcedLimit = 10 * time.Second

// watcher follows the chain for one run.
type watcher struct {
	t    *Target
	hub  *jsonrpc.Hub
	ask  jsonrpc.Client // its own: questions about blocks wait for nobody
	last uint64         // number of the last block that was read
	hash string         // and its hash
}

// watch starts to follow the chain from its head on.
func (c *conn) watch(ctx context.Context, hub *jsonrpc.Hub) error {
	w := &watcher{t: c.t, hub: hub}
	w.ask.Endpoint = c.t.endpoint()
	var err error
	if c.t.o.WebSocket {
		if c.heads, err = jsonrpc.Subscribe(ctx, c.t.endpoint(), "eth_subscribe", `["newHeads"]`); err != nil {
			return err
		}
	}
	head, err := w.block(ctx, "latest")
	if err == nil && head == nil {
		err = errors.New("the node has no block")
	}
	if err == nil {
		w.hash = head.Hash
		w.last, err = head.Number.uint64()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("Ethereum node at %s: %w", c.t.addr, err), closeStream(c.heads))
	}
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = func() error {
		cancel()
		return errors.Join(closeStream(c.heads), w.ask.Close())
	}
	c.wg.Go(func() {
		defer cancel()
		var err error
		if c.heads != nil {
			err = w.listen(runCtx, c.heads)
		} else {
			err = w.poll(runCtx)
		}
		if runCtx.Err() == nil && err != nil {
			hub.Fail(fmt.Errorf("%w: %w", ErrHeads, err))
		}
	})
	return nil
}

func closeStream(s *jsonrpc.Stream) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

// listen reads notifications of new heads.
func (w *watcher) listen(ctx context.Context, s *jsonrpc.Stream) error {
	return s.Listen(func(m *jsonrpc.Message) error {
		if m.Method != "eth_subscription" {
			return nil
		}
		var p struct {
			Result struct {
				Number quantity `json:"number"`
			} `json:"result"`
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			return fmt.Errorf("cannot read a new head: %w", err)
		}
		n, err := p.Result.Number.uint64()
		if err != nil {
			return fmt.Errorf("cannot read a new head: %w", err)
		}
		return w.announced(ctx, n)
	})
}

// announced reads all blocks up to number n, which the node has said to have. It
// may say so a moment before it can be asked for it; after the last head of a run
// no other one would bring it up again.
func (w *watcher) announced(ctx context.Context, n uint64) error {
	tick := time.NewTicker(w.t.o.HeadPoll)
	defer tick.Stop()
	limit := time.After(announcedLimit)
	for {
		if err := w.to(ctx, n); err != nil || w.last >= n {
			return err
		}
		select {
		case <-tick.C:
		case <-limit:
			return fmt.Errorf("block %d was announced and cannot be read after %v", n, announcedLimit)
		case <-ctx.Done():
			return nil
		}
	}
}

// poll asks for the head again and again.
func (w *watcher) poll(ctx context.Context) error {
	tick := time.NewTicker(w.t.o.HeadPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		var q quantity
		if err := w.ask.Call(ctx, &q, "eth_blockNumber"); err != nil {
			return err
		}
		n, err := q.uint64()
		if err == nil {
			err = w.to(ctx, n)
		}
		if err != nil {
			return err
		}
	}
}

// to reads all blocks up to number n. Every one must be the child of the one
// before it: after a reorganisation, what was included may no longer be.
func (w *watcher) to(ctx context.Context, n uint64) error {
	for w.last < n {
		b, err := w.block(ctx, fmt.Sprintf("0x%x", w.last+1))
		if err != nil {
			return err
		}
		if b == nil {
			return nil // the head is known before it can be read: next time
		}
		if b.Parent != w.hash {
			return fmt.Errorf("the chain was reorganised: block %d has the parent %.18s, %.18s was read", w.last+1, b.Parent, w.hash)
		}
		if err := w.read(ctx, b); err != nil {
			return err
		}
		w.last, w.hash = w.last+1, b.Hash
	}
	return nil
}

func (w *watcher) block(ctx context.Context, tag string) (*block, error) {
	var b *block
	err := w.ask.Call(ctx, &b, "eth_getBlockByNumber", tag, false)
	return b, err
}

// read passes on what a block says. A plain transfer needs exactly
// transferGas; when the block's gas is that of so many transfers, none of them
// ran any code, so none can have failed. Otherwise the receipts tell.
func (w *watcher) read(ctx context.Context, b *block) error {
	keys := make([]uint64, len(b.Txs))
	for i, h := range b.Txs {
		k, err := keyOf(h)
		if err != nil {
			return fmt.Errorf("block %s: %w", b.Number, err)
		}
		keys[i] = k
	}
	gas, err := b.GasUsed.uint64()
	if err != nil {
		return fmt.Errorf("block %s: gas used: %w", b.Number, err)
	}
	if gas == transferGas*uint64(len(keys)) {
		w.hub.Block(keys, nil)
		return nil
	}
	var receipts []struct {
		Status quantity `json:"status"`
	}
	if err := w.ask.Call(ctx, &receipts, "eth_getBlockReceipts", string(b.Number)); err != nil {
		return err
	}
	if len(receipts) != len(keys) {
		return fmt.Errorf("block %s has %d transactions and %d receipts", b.Number, len(keys), len(receipts))
	}
	w.hub.Block(keys, func(i int) uint8 {
		if receipts[i].Status != "0x1" {
			return w.t.codes.Code("reverted", "")
		}
		return loadgen.CodeOK
	})
	return nil
}

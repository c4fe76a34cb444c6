package ethereum

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// quantity is a number as Ethereum's JSON-RPC writes it: 0x and hexadecimal.
type quantity string

func (q quantity) uint64() (uint64, error) {
	digits, ok := strings.CutPrefix(string(q), "0x")
	if !ok {
		return 0, fmt.Errorf("%q is no number of the form 0x…", string(q))
	}
	return strconv.ParseUint(digits, 16, 64)
}

func (q quantity) big() (*big.Int, error) {
	digits, ok := strings.CutPrefix(string(q), "0x")
	v, good := new(big.Int).SetString(digits, 16)
	if !ok || !good || v.Sign() < 0 {
		return nil, fmt.Errorf("%q is no number of the form 0x…", string(q))
	}
	return v, nil
}

func hexBig(v *big.Int) string { return "0x" + v.Text(16) }

// number asks for a number of up to 64 bits.
func (t *Target) number(ctx context.Context, method string, params ...any) (uint64, error) {
	var q quantity
	if err := t.ask.Call(ctx, &q, method, params...); err != nil {
		return 0, err
	}
	n, err := q.uint64()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	return n, nil
}

func (t *Target) amount(ctx context.Context, method string, params ...any) (*big.Int, error) {
	var q quantity
	if err := t.ask.Call(ctx, &q, method, params...); err != nil {
		return nil, err
	}
	v, err := q.big()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return v, nil
}

// block is what counts of a block.
type block struct {
	Number  quantity `json:"number"`
	Hash    string   `json:"hash"`
	Parent  string   `json:"parentHash"`
	GasUsed quantity `json:"gasUsed"`
	BaseFee quantity `json:"baseFeePerGas"`
	Txs     []string `json:"transactions"` // hashes
}

// blockAt asks for a block by number or tag; nil when there is none yet.
func (t *Target) blockAt(ctx context.Context, tag string) (*block, error) {
	var b *block
	err := t.ask.Call(ctx, &b, "eth_getBlockByNumber", tag, false)
	return b, err
}

// keyOf is the beginning of a hash in hexadecimal.
func keyOf(hash string) (uint64, error) {
	if len(hash) != 66 || hash[:2] != "0x" {
		return 0, fmt.Errorf("%q is no hash", hash)
	}
	return strconv.ParseUint(hash[2:18], 16, 64)
}

// nonces asks for the next nonce of each account as of the last block.
func (t *Target) nonces(ctx context.Context) ([]uint64, error) {
	out := make([]uint64, len(t.keys))
	err := t.each(ctx, "eth_getTransactionCount", func(i int, q quantity) (err error) {
		out[i], err = q.uint64()
		return err
	})
	return out, err
}

// each asks one question about every account as of the last block.
func (t *Target) each(ctx context.Context, method string, answer func(i int, q quantity) error) error {
	for from := 0; from < len(t.keys); from += maxBatch {
		to := min(from+maxBatch, len(t.keys))
		rs := make([]jsonrpc.Request, 0, to-from)
		for _, k := range t.keys[from:to] {
			rs = append(rs, jsonrpc.Request{Method: method, Params: []any{k.addr.String(), "latest"}})
		}
		ms, err := t.ask.Batch(ctx, rs)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		for i := range ms {
			var q quantity
			if ms[i].Error != nil {
				return fmt.Errorf("%s: %w", method, ms[i].Error)
			}
			err := json.Unmarshal(ms[i].Result, &q)
			if err == nil {
				err = answer(from+i, q)
			}
			if err != nil {
				return fmt.Errorf("%s of %s: %w", method, t.keys[from+i].addr, err)
			}
		}
	}
	return nil
}

// Waiting is the number of transactions in the node's pool, those that wait for
// a missing one before them included. Not every node has this call.
func (t *Target) Waiting(ctx context.Context) (int, error) {
	var r struct {
		Pending, Queued quantity
	}
	if err := t.ask.Call(ctx, &r, "txpool_status"); err != nil {
		return 0, err
	}
	p, err := r.Pending.uint64()
	q, err2 := r.Queued.uint64()
	return int(p + q), errors.Join(err, err2)
}

// rawParam is a signed transaction as eth_sendRawTransaction takes it.
func rawParam(tx []byte) string { return "0x" + hex.EncodeToString(tx) }

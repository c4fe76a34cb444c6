package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

// question is asked once there is a connection.
type question func(ctx context.Context, c *client.Client) (queryAnswer, error)

// asker reads the arguments, so that a wrong one is told without a node.
type asker func(args []string) (question, error)

func simple(q question) asker { return func([]string) (question, error) { return q, nil } }

func newNodeQueryCmd() *cobra.Command {
	var (
		addr   string
		asJSON bool
		secure clientTLSFlags
		known  trustFlags
	)
	cmd := &cobra.Command{
		Use:   "query",
		Short: "Ask a running node for its head, a record or a transaction",
		Long: `query asks a running node. Records of the ledger and transactions come with a
Merkle proof against a block header, and query checks it before it prints
anything. The header comes from the same node: a proof says no more than that
the node agrees with itself, unless you know the header from elsewhere. Pin what
you know: --chain refuses a node of another chain, --header and --height a
header other than yours. The exit code is 1 if the answer does not verify or is
not what was pinned, and 2 for bad input or a node that does not answer.`,
		Example: "  weir node query head\n" +
			"  weir node query proof 1 0 --chain \"$CHAIN\" --header \"$HASH\"\n" +
			"  weir node query account 17 --addr 127.0.0.1:7151\n" +
			"  weir node query tx 17 1 --json\n" +
			"  weir node query health --addr 10.0.0.5:7151 --tls-ca ca.pem",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&addr, "addr", "127.0.0.1:7151", "the node's client address")
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.node.query/1)")
	secure.register(cmd)
	known.register(cmd)

	add := func(use, short, example string, args cobra.PositionalArgs, read asker) {
		cmd.AddCommand(&cobra.Command{
			Use: use, Short: short, Args: args, Example: "  weir node query " + example,
			RunE: func(cmd *cobra.Command, args []string) error {
				ask, err := read(args)
				if err != nil {
					return err
				}
				conf, err := secure.config()
				if err != nil {
					return err
				}
				pins, err := known.config(cmd, cmd.Name() != "health")
				if err != nil {
					return err
				}
				a, err := askNode(cmd.Context(), addr, client.Options{TLS: conf}, ask, &pins)
				if err != nil {
					return err
				}
				return a.print(cmd, asJSON)
			},
		})
	}
	add("health", "Whether the node is alive and how far it is", "health", cobra.NoArgs, simple(askHealth))
	add("head", "The last durable block", "head", cobra.NoArgs, simple(askHead))
	add("account SLOT", "Balance and nonce of an account, proven", "account 0", cobra.ExactArgs(1), askAccount)
	add("item SLOT", "An item or a collection, proven", "item 0", cobra.ExactArgs(1), askItem)
	add("key OWNER KEY", "What an account stored under a key of 64 hex digits, proven",
		`key 0 "$KEY"`, cobra.ExactArgs(2), askKey)
	add("block HEIGHT", "A block, its transactions checked against its header", "block 1", cobra.ExactArgs(1), askBlock)
	add("tx HASH | SENDER NONCE", "A transaction by hash or sender and nonce, proven",
		"tx 0 1", cobra.RangeArgs(1, 2), askTx)
	add("proof HEIGHT INDEX", "A transaction by its place, and its inclusion proof", "proof 1 0", cobra.ExactArgs(2), askProof)
	return cmd
}

// queryTimeout bounds connecting, asking, and asking again while the node is busy.
const queryTimeout = 10 * time.Second

// askNode connects, asks, and holds the answer against what is trusted.
func askNode(ctx context.Context, addr string, opts client.Options, ask question, pins *trust) (a queryAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	c, err := client.Dial(ctx, addr, opts)
	if err != nil {
		return a, usagef("%w", err)
	}
	defer c.Close()
	if got := tx.ChainID(c.Welcome().ChainID); pins.chain != (tx.ChainID{}) && got != pins.chain {
		return a, failf("the node at %s is on chain %x, --chain pins %x", addr, got, pins.chain)
	}
	for {
		a, err = ask(ctx, c)
		var busy *client.BusyError
		if !errors.As(err, &busy) {
			break
		}
		select {
		case <-time.After(busy.RetryAfter):
		case <-ctx.Done():
			return a, err
		}
	}
	if err != nil {
		return a, err
	}
	return a, pins.check(c.Welcome().ChainID, &a)
}

// number parses an argument of the given width.
func number(what, arg string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(arg, 10, bits)
	if errors.Is(err, strconv.ErrRange) {
		return 0, usagef("%s %s does not fit %d bits", what, arg, bits)
	}
	if err != nil {
		return 0, usagef("%s %q is not a number from 0 up", what, arg)
	}
	return n, nil
}

func hex32(what, arg string) ([32]byte, error) {
	b, err := hex.DecodeString(arg)
	if err != nil || len(b) != 32 {
		return [32]byte{}, usagef("%s %q is not 64 hex digits", what, arg)
	}
	return [32]byte(b), nil
}

func askHealth(ctx context.Context, c *client.Client) (queryAnswer, error) {
	h, err := c.Health(ctx)
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	return queryAnswer{Schema: querySchema, Height: h.Height, Health: &healthAnswer{
		Status: [...]string{"ok", "catching_up", "failed"}[h.Status], Error: h.Text,
		ExecutedHeight: h.Executed, HeadTimeNS: h.HeadTimeNS, HeadAgeNS: h.HeadAgeNS,
		Index: [...]string{"off", "catching_up", "ready"}[h.Index], IndexedHeight: h.Indexed,
	}}, nil
}

func askHead(ctx context.Context, c *client.Client) (queryAnswer, error) {
	h, err := c.Head(ctx)
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	chain := tx.ChainID(c.Welcome().ChainID)
	if want := h.Header.Hash(&chain); h.Header.Height > 0 && h.Hash != want {
		return queryAnswer{}, failf("the node's answer does not verify: its header has the hash %x, it says %x", want[:8], h.Hash[:8])
	}
	a := answerFor(h.Header)
	a.Hash = hex.EncodeToString(h.Hash[:])
	return a, nil
}

// proven checks a record's proof, and that it is of the tree and, unless slot is
// nil, of the slot that was asked for.
func proven(r *client.Record, tree state.Tree, slot *uint32) (queryAnswer, error) {
	p := state.Proof{Tree: state.Tree(r.Proof.Tree), Slot: r.Proof.Slot, Summary: state.Summary(r.Proof.Summary), Path: r.Proof.Path}
	err := state.VerifyProof(r.Header.StateRoot, r.Record, p)
	if err == nil && (p.Tree != tree || slot != nil && p.Slot != *slot) {
		err = fmt.Errorf("it proves slot %d of the %s instead", p.Slot, p.Tree)
	}
	if err != nil {
		return queryAnswer{}, failf("the node's answer does not verify: %w", err)
	}
	a := answerFor(r.Header)
	ok := true
	a.Slot, a.Verified, a.Path = &p.Slot, &ok, hexPath(p.Path)
	return a, nil
}

func askAccount(args []string) (question, error) {
	n, err := number("slot", args[0], 32)
	if err != nil {
		return nil, err
	}
	slot := uint32(n)
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		r, err := c.Account(ctx, slot)
		if err != nil {
			return queryAnswer{}, usagef("%w", err)
		}
		a, err := proven(&r, state.TreeAccounts, &slot)
		if err != nil {
			return a, err
		}
		rec := state.DecodeRecord(r.Record)
		a.Balance, a.NonceHigh = &rec.Balance, &rec.Window.High
		a.PublicKey, a.Role, a.Validator = hex.EncodeToString(rec.PublicKey[:]), rec.Role.String(), rec.Validator
		return a, nil
	}, nil
}

func askItem(args []string) (question, error) {
	n, err := number("slot", args[0], 32)
	if err != nil {
		return nil, err
	}
	slot := uint32(n)
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		r, err := c.Item(ctx, slot)
		if err != nil {
			return queryAnswer{}, usagef("%w", err)
		}
		a, err := proven(&r, state.TreeItems, &slot)
		if err != nil {
			return a, err
		}
		a.Item = newItemAnswer(state.DecodeItem(r.Record))
		return a, nil
	}, nil
}

func askKey(args []string) (question, error) {
	owner, err := number("owner", args[0], 32)
	if err != nil {
		return nil, err
	}
	key, err := hex32("key", args[1])
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		r, err := c.Key(ctx, uint32(owner), key)
		if err != nil {
			return queryAnswer{}, usagef("%w", err)
		}
		a, err := proven(&r.RecordAnswer, state.TreeKeys, nil)
		if err != nil {
			return a, err
		}
		kv := state.DecodeKey(r.Record)
		switch {
		case kv.Key != key || uint64(kv.Owner) != owner:
			return a, failf("the node's answer is the key %x of account %d instead", kv.Key, kv.Owner)
		case r.HasValue && (sha256.Sum256(r.Value) != kv.ValueHash || len(r.Value) != int(kv.ValueBytes)):
			return a, failf("the node's value of %d bytes is not the one in the record", len(r.Value))
		}
		a.Key = &keyAnswer{
			Key: args[1], Owner: kv.Owner, ValueHash: hex.EncodeToString(kv.ValueHash[:]), ValueBytes: kv.ValueBytes,
			Version: kv.Version, PutHeight: kv.Height,
		}
		if r.HasValue {
			v := hex.EncodeToString(r.Value)
			a.Key.Value = &v
		}
		return a, nil
	}, nil
}

func askBlock(args []string) (question, error) {
	height, err := number("height", args[0], 64)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		h, body, err := c.Block(ctx, height)
		if err != nil {
			return queryAnswer{}, usagef("%w", err)
		}
		a := answerFor(h)
		chain := tx.ChainID(c.Welcome().ChainID)
		hash := h.Hash(&chain)
		a.Hash = hex.EncodeToString(hash[:])
		var leaves [][]byte
		for rest := body; len(rest) > 0; {
			var v tx.View
			if v, rest, err = tx.Parse(rest); err != nil {
				return a, failf("transaction %d of the node's block: %w", len(leaves), err)
			}
			leaves = append(leaves, v)
			a.Txs = append(a.Txs, newTxAnswer(v, &chain))
		}
		root, err := merkle.NewBuilder(merkle.RFC6962, 1).Root(leaves)
		if err != nil {
			return a, failf("the transaction root: %w", err)
		}
		if root != h.TxRoot || len(leaves) != int(h.Count) || h.Height != height {
			return a, failf("the node's block %d has %d transactions with the root %x, its header says block %d, %d and %x",
				height, len(leaves), root[:8], h.Height, h.Count, h.TxRoot[:8])
		}
		ok := true
		a.Verified = &ok
		return a, nil
	}, nil
}

func askTx(args []string) (question, error) {
	if len(args) == 1 {
		id, err := hex32("hash", args[0])
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
			p, err := c.TxByHash(ctx, id)
			return found(c, &p, err, func(v tx.View, chain *tx.ChainID) bool { return v.ID(chain) == id })
		}, nil
	}
	sender, err := number("sender", args[0], 32)
	if err != nil {
		return nil, err
	}
	nonce, err := number("nonce", args[1], 64)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		p, err := c.TxByNonce(ctx, uint32(sender), nonce)
		return found(c, &p, err, func(v tx.View, _ *tx.ChainID) bool { return uint64(v.From()) == sender && v.Nonce() == nonce })
	}, nil
}

// found checks that a transaction is the one that was asked for.
func found(c *client.Client, p *client.Proof, err error, is func(tx.View, *tx.ChainID) bool) (queryAnswer, error) {
	if err != nil {
		return queryAnswer{}, usagef("%w", err)
	}
	chain := tx.ChainID(c.Welcome().ChainID)
	if !is(p.Tx, &chain) {
		return queryAnswer{}, failf("the node answers with another transaction than was asked for")
	}
	return included(p, &chain)
}

func askProof(args []string) (question, error) {
	height, err := number("height", args[0], 64)
	if err != nil {
		return nil, err
	}
	index, err := number("index", args[1], 32)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, c *client.Client) (queryAnswer, error) {
		p, err := c.Proof(ctx, height, uint32(index))
		if err != nil {
			return queryAnswer{}, usagef("%w", err)
		}
		if p.Header.Height != height {
			return queryAnswer{}, failf("the node answers with block %d instead of %d", p.Header.Height, height)
		}
		chain := tx.ChainID(c.Welcome().ChainID)
		return included(&p, &chain)
	}, nil
}

// included checks that a block contains a transaction.
func included(p *wire.TxAnswer, chain *tx.ChainID) (queryAnswer, error) {
	if err := merkle.VerifyInclusion(merkle.RFC6962, p.Header.TxRoot, p.Tx, uint64(p.Index), uint64(p.Header.Count), p.Path); err != nil {
		return queryAnswer{}, failf("the node's answer does not verify: %w", err)
	}
	a := answerFor(p.Header)
	ok := true
	one := newTxAnswer(p.Tx, chain)
	a.Index, a.Tx, a.TxHash, a.Path, a.Verified = &p.Index, hex.EncodeToString(p.Tx), one.Hash, hexPath(p.Path), &ok
	return a, nil
}

package core

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
)

// readAhead is how many blocks are read and parsed before they are needed. One
// would do to keep two cores busy; blocks differ in size.
const readAhead = 3

// parsedBlock is a block taken apart. Its buffers are reused.
type parsedBlock struct {
	height  uint64 // of the record
	header  tx.Header
	payload []byte // the record: header and body
	body    []byte // aliases payload
	txs     []tx.View
	err     error // the first thing that is wrong with it, seen for itself
}

// parse copies a record and checks all that needs no ledger: the header, the
// counts, the chain's rules, and the form of every transaction.
func (b *parsedBlock) parse(rules *genesis.Rules, height uint64, record []byte) {
	b.height, b.payload, b.txs = height, append(b.payload[:0], record...), b.txs[:0]
	b.err = b.take(rules)
}

func (b *parsedBlock) take(rules *genesis.Rules) (err error) {
	if b.header, err = tx.ParseHeader(b.payload); err != nil {
		return err
	}
	h := &b.header
	b.body = b.payload[tx.HeaderSize:]
	switch {
	case h.Height != b.height:
		return fmt.Errorf("header says height %d, record says %d", h.Height, b.height)
	case h.BodyBytes != uint64(len(b.body)) || uint64(h.Count)*tx.Size > h.BodyBytes || h.Count == 0:
		return fmt.Errorf("header counts %d transactions in %d bytes, the body has %d bytes", h.Count, h.BodyBytes, len(b.body))
	case h.Count > rules.MaxBlockTxs || h.BodyBytes > uint64(rules.MaxBlockBytes):
		return fmt.Errorf("%d transactions in %d bytes, the chain's rules allow %d in %d",
			h.Count, h.BodyBytes, rules.MaxBlockTxs, rules.MaxBlockBytes)
	}
	for rest := b.body; len(rest) > 0; {
		var t tx.View
		if t, rest, err = tx.Parse(rest); err != nil {
			return fmt.Errorf("transaction %d: %w", len(b.txs), err)
		}
		b.txs = append(b.txs, t)
	}
	if len(b.txs) != int(h.Count) {
		return fmt.Errorf("header counts %d transactions, the body has %d", h.Count, len(b.txs))
	}
	return nil
}

// scanner calls fn with record after record, as store.Log.Scan does.
type scanner func(fn func(height uint64, record []byte) error) error

// eachBlock reads and parses blocks on one goroutine and calls use with them,
// in order, on the caller's. A block with err set is the last; use has to
// return an error for it. eachBlock returns use's error, else that of scan.
func eachBlock(ctx context.Context, rules *genesis.Rules, scan scanner, use func(*parsedBlock) error) error {
	ctx, cancel := context.WithCancel(ctx)
	free, full := make(chan *parsedBlock, readAhead), make(chan *parsedBlock, readAhead)
	for range readAhead {
		free <- new(parsedBlock)
	}
	scanned := make(chan error, 1)
	go func() {
		defer close(full)
		scanned <- scan(func(height uint64, record []byte) error {
			// First, or a cancelled context might lose against a free block.
			if err := ctx.Err(); err != nil {
				return err
			}
			select {
			case b := <-free:
				b.parse(rules, height, record)
				full <- b // there is room for all of them
				return b.err
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	var err error
	for b := range full {
		if err == nil {
			if err = use(b); err != nil {
				cancel()
			}
		}
		free <- b
	}
	cancel()
	if scanErr := <-scanned; err == nil {
		err = scanErr
	}
	return err
}

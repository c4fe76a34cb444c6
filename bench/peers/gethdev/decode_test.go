package main

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/loadgen/ethereum"
)

// go-ethereum reads what we sign: the same fields, hash and sender.
func TestDecode(t *testing.T) {
	key, err := ethereum.ParseKey(devKey)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		wei := func(name string) *big.Int {
			return new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 31).Draw(t, name))
		}
		fee := wei("fee")
		tr := ethereum.Transfer{
			ChainID: rapid.Uint64Min(1).Draw(t, "chain"), Nonce: rapid.Uint64().Draw(t, "nonce"),
			MaxPriorityFee: new(big.Int).Rsh(fee, 1), MaxFee: fee, Gas: rapid.Uint64().Draw(t, "gas"), Value: wei("value"),
		}
		copy(tr.To[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "to"))
		raw, hash := tr.Sign(nil, key)
		var got types.Transaction
		if err := got.UnmarshalBinary(raw); err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
		chain := new(big.Int).SetUint64(tr.ChainID)
		from, err := types.Sender(types.NewLondonSigner(chain), &got)
		switch {
		case err != nil || !strings.EqualFold(from.Hex(), key.Address().String()):
			t.Fatalf("sender %v, %v; want %v", from, err, key.Address())
		case got.Hash() != [32]byte(hash):
			t.Fatalf("hash %v, want %x", got.Hash(), hash)
		case got.Nonce() != tr.Nonce || got.Gas() != tr.Gas || got.Value().Cmp(tr.Value) != 0 || *got.To() != [20]byte(tr.To) ||
			got.GasFeeCap().Cmp(tr.MaxFee) != 0 || got.GasTipCap().Cmp(tr.MaxPriorityFee) != 0 || len(got.Data()) != 0 || got.ChainId().Cmp(chain) != 0:
			t.Fatalf("decoded %+v from %+v", &got, tr)
		}
	})
}

func TestHostPort(t *testing.T) {
	if got, err := hostPort("http://127.0.0.1:8545"); err != nil || got != "127.0.0.1:8545" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "http://", "ws://127.0.0.1:1"} {
		if _, err := hostPort(bad); err == nil {
			t.Errorf("%q is no endpoint", bad)
		}
	}
}

package ethereum

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"pgregory.net/rapid"
)

// The digests of the empty string and of "abc" as the Keccak submission gives
// them; SHA3-256 of the same pads otherwise and gives others.
func TestKeccakKnown(t *testing.T) {
	for in, want := range map[string]string{
		"":    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
		"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
	} {
		if got := keccak([]byte(in)); hex.EncodeToString(got[:]) != want {
			t.Errorf("keccak(%q) = %x, want %s", in, got, want)
		}
	}
}

// The examples of the RLP specification (ethereum.org, "Recursive-length prefix").
func TestRLPKnown(t *testing.T) {
	lorem := []byte("Lorem ipsum dolor sit amet, consectetur adipisicing elit")
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"dog", appendBytes(nil, []byte("dog")), "83646f67"},
		{"cat and dog", appendList(nil, appendBytes(appendBytes(nil, []byte("cat")), []byte("dog"))), "c88363617483646f67"},
		{"empty string", appendBytes(nil, nil), "80"},
		{"empty list", appendList(nil, nil), "c0"},
		{"0", appendUint(nil, 0), "80"},
		{"byte 0", appendBytes(nil, []byte{0}), "00"},
		{"15", appendUint(nil, 15), "0f"},
		{"127", appendUint(nil, 127), "7f"},
		{"128", appendUint(nil, 128), "8180"},
		{"1024", appendUint(nil, 1024), "820400"},
		{"big 1024", appendBig(nil, big.NewInt(1024)), "820400"},
		{"56 bytes", appendBytes(nil, lorem), "b838" + hex.EncodeToString(lorem)},
		{"1024 bytes", appendBytes(nil, make([]byte, 1024))[:3], "b90400"},
		{"long list", appendList(nil, make([]byte, 60))[:2], "f83c"},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("%s: %x, want %s", c.name, c.got, c.want)
		}
	}
}

// The key and address that EIP-155 and go-ethereum's documents use.
func TestAddressKnown(t *testing.T) {
	for key, want := range map[string]string{
		"0x4646464646464646464646464646464646464646464646464646464646464646": "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
		"b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291":   "0x71562b71999873db5b286df957af199ec94617f7",
	} {
		k, err := ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Address().String(); got != want {
			t.Errorf("address of %s: %s, want %s", key, got, want)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "0x", "zz", "46", hex.EncodeToString(make([]byte, 32)),
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", // the order itself
	} {
		if _, err := ParseKey(bad); !errors.Is(err, ErrKey) {
			t.Errorf("key %q: %v, want an error of the key", bad, err)
		} else if len(bad) > 8 && bytes.Contains([]byte(err.Error()), []byte(bad)) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

// Whoever recovers the signer from the signature must find the sender, and
// every bit of the transaction is under the signature.
func TestSignRecover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := derive([]byte("test"), rapid.IntRange(0, 1<<20).Draw(t, "key"))
		tr := Transfer{
			ChainID: rapid.Uint64().Draw(t, "chain"), Nonce: rapid.Uint64().Draw(t, "nonce"),
			MaxPriorityFee: new(big.Int).SetUint64(rapid.Uint64().Draw(t, "tip")),
			MaxFee:         new(big.Int).SetUint64(rapid.Uint64().Draw(t, "fee")), Gas: transferGas,
			To: derive([]byte("to"), 1).addr, Value: new(big.Int).SetUint64(rapid.Uint64().Draw(t, "value")),
		}
		raw, hash := tr.Sign([]byte("kept"), k)
		raw = raw[4:]
		if raw[0] != dynamicFee || hash != keccak(raw) {
			t.Fatalf("type %d, hash %x", raw[0], hash)
		}
		h := tr.SigningHash()
		sig := ecdsa.SignCompact(k.private, h[:], false)
		if len(trim(sig[33:65])) == 32 && sig[33] >= 0x80 {
			t.Fatalf("S is in the upper half of the order: %x", sig[33:65])
		}
		pub, _, err := ecdsa.RecoverCompact(sig, h[:])
		if err != nil || addressOf(pub) != k.addr {
			t.Fatalf("recovered %v, %v; want %v", addressOf(pub), err, k.addr)
		}
		if !bytes.Contains(raw, trim(sig[1:33])) || !bytes.HasSuffix(raw, trim(sig[33:65])) {
			t.Fatal("the signature is not in the transaction")
		}
		tr.Nonce++
		if tr.SigningHash() == h {
			t.Fatal("the nonce is not under the signature")
		}
	})
}

func TestAllTaken(t *testing.T) {
	h := `"0x` + string(bytes.Repeat([]byte("a"), 64)) + `"`
	for body, want := range map[string]struct {
		first uint64
		n     int
	}{
		`[{"jsonrpc":"2.0","id":7,"result":` + h + `},{"jsonrpc":"2.0","id":8,"result":` + h + `}]` + "\n": {7, 2},
		`[{"jsonrpc":"2.0","id":7,"result":` + h + `},{"jsonrpc":"2.0","id":9,"result":` + h + `}]`:        {},
		`[{"jsonrpc":"2.0","id":7,"error":{"code":-1}}]`:                                                   {},
		`[{"jsonrpc":"2.0","id":7,"result":` + h + `}`:                                                     {},
		`[{"jsonrpc":"2.0","id":7,"result":"0x12"}]`:                                                       {},
		`[]`: {}, ``: {},
	} {
		first, n, ok := allTaken([]byte(body))
		if ok != (want.n > 0) || ok && (first != want.first || n != want.n) {
			t.Errorf("%.60s: %d %d %v, want %v", body, first, n, ok, want)
		}
	}
}

package tx_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/chainweir/weir/core/tx"
)

// The expected values below were computed outside Go, from the layouts in the
// comments of this package and the Python sample code of RFC 8032 section 6.
const (
	// Key pair of RFC 8032 section 7.1, test 1.
	rfcSeed   = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
	rfcPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

	goldenBody = "01020000" + "04030201" + "0d0c0b0a" + "00000000" +
		"8877665544332211" + "0807060504030201" + "f8f9fafbfcfdfeff" +
		"0000000000000000000000000000000000000000000000000000000000000000" +
		"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0" +
		"dfdedddcdbdad9d8d7d6d5d4d3d2d1d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0"
	goldenID  = "a2df3c7a4bce1f399ca034d92d93c09ad2b96e00606803418e3dafa331222548"
	goldenSig = "0c4cbb5832970961cce4d085038386a5491c751a10a1c5a8e1dcbad9437d8596" +
		"357e53f7b2b9a9f9203348802e1588c295ea90f8161ca80db74764c2858d040b"

	goldenHeader = "01000000" + "04030201" + "1817161514131211" + "2827262524232221" + "3837363534333231" +
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" +
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" +
		"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	goldenHeaderHash = "afd44aba1a01699dc1753a404fb0a774a007a3aae8497329fe5e0029ab5a9da1"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenChain is the chain id 00 01 02 … 1f.
func goldenChain() (c tx.ChainID) {
	for i := range c {
		c[i] = byte(i)
	}
	return c
}

func goldenFields() tx.Fields {
	f := tx.Fields{
		Kind: tx.KindTransfer, From: 0x01020304, To: 0x0a0b0c0d,
		Amount: 0x1122334455667788, Nonce: 0x0102030405060708, Expiry: 0xfffefdfcfbfaf9f8,
	}
	for i := range f.Memo {
		f.Memo[i] = 0xff - byte(i)
	}
	return f
}

func TestGoldenTransaction(t *testing.T) {
	f := goldenFields()
	enc := f.AppendUnsigned([]byte("kept"))
	if !bytes.HasPrefix(enc, []byte("kept")) {
		t.Fatal("AppendUnsigned did not append")
	}
	v := tx.View(enc[4:])
	want := append(unhex(t, goldenBody), make([]byte, tx.SignatureSize)...)
	if !bytes.Equal(v, want) {
		t.Fatalf("encoding\n%x, want\n%x", []byte(v), want)
	}
	chain := goldenChain()
	if id := v.ID(&chain); hex.EncodeToString(id[:]) != goldenID {
		t.Errorf("id %x, want %s", id, goldenID)
	}
	key := ed25519.NewKeyFromSeed(unhex(t, rfcSeed))
	if pub := hex.EncodeToString(key.Public().(ed25519.PublicKey)); pub != rfcPublic {
		t.Fatalf("public key %s, want %s", pub, rfcPublic)
	}
	v.Sign(&chain, key)
	if got := hex.EncodeToString(v.Signature()); got != goldenSig {
		t.Errorf("signature %s, want %s", got, goldenSig)
	}
	if !bytes.Equal(v.Body(), want[:tx.BodySize]) {
		t.Error("signing changed the body")
	}
	if id := v.ID(&chain); hex.EncodeToString(id[:]) != goldenID {
		t.Errorf("the signature changed the id to %x", id)
	}
	signing := v.AppendSigning(nil, &chain)
	if tx.SigningSize != 175 || len(signing) != tx.SigningSize || string(signing[:7]) != "weirtx1" {
		t.Errorf("%d signing bytes that start with %q", len(signing), signing[:7])
	}
	chain[31]++
	if id := v.ID(&chain); hex.EncodeToString(id[:]) == goldenID {
		t.Error("the id is the same on another chain")
	}
}

func TestGoldenHeader(t *testing.T) {
	h := tx.Header{
		Count: 0x01020304, Height: 0x1112131415161718, TimeNS: 0x2122232425262728, BodyBytes: 0x3132333435363738,
		Prev:      tx.Hash(bytes.Repeat([]byte{0xaa}, 32)),
		TxRoot:    [32]byte(bytes.Repeat([]byte{0xbb}, 32)),
		StateRoot: [32]byte(bytes.Repeat([]byte{0xcc}, 32)),
	}
	enc := h.Append(nil)
	if got := hex.EncodeToString(enc); got != goldenHeader {
		t.Fatalf("encoding\n%s, want\n%s", got, goldenHeader)
	}
	chain := goldenChain()
	if got := h.Hash(&chain); hex.EncodeToString(got[:]) != goldenHeaderHash {
		t.Errorf("hash %x, want %s", got, goldenHeaderHash)
	}
	back, err := tx.ParseHeader(append(enc, 1, 2, 3))
	if err != nil || back != h {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range [][]byte{nil, enc[:tx.HeaderSize-1], append([]byte{2}, enc[1:]...), append([]byte{1, 0, 0, 1}, enc[4:]...)} {
		if _, err := tx.ParseHeader(bad); err == nil {
			t.Errorf("a header of %d bytes with version bytes %x was accepted", len(bad), bad[:min(4, len(bad))])
		}
	}
}

// The numbers and names of statuses stand in records and on the wire.
func TestStatusNames(t *testing.T) {
	want := []string{
		"ok", "malformed", "unknown_sender", "bad_signature", "nonce_used", "nonce_too_far", "expired", "busy",
		"stopping", "exec:insufficient_funds", "exec:unknown_recipient", "exec:key_taken", "exec:overflow", "internal",
		"not_member", "exec:not_allowed", "exec:unknown_collection", "exec:unknown_item", "exec:not_owner",
		"exec:duplicate_item", "exec:collection_full",
	}
	if tx.NumStatus != len(want) {
		t.Fatalf("%d statuses, want %d", tx.NumStatus, len(want))
	}
	for i, w := range want {
		if got := tx.Status(i).String(); got != w {
			t.Errorf("status %d is %q, want %q", i, got, w)
		}
	}
	if got := tx.Status(200).String(); got != "status_200" {
		t.Errorf("unknown status is %q", got)
	}
}

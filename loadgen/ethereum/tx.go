package ethereum

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

// ErrKey says that a private key cannot be read.
var ErrKey = errors.New("bad private key")

// Address is an account: the last 20 bytes of the hash of its public key.
type Address [20]byte

// String is the address in hexadecimal.
func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// Hash is Keccak-256, which is not SHA3-256: it pads otherwise.
type Hash [32]byte

func keccak(parts ...[]byte) (h Hash) {
	k := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		k.Write(p)
	}
	k.Sum(h[:0])
	return h
}

// Key signs for one account.
type Key struct {
	private *secp256k1.PrivateKey
	addr    Address
}

// Address is the key's account.
func (k *Key) Address() Address { return k.addr }

// ParseKey reads a private key of 32 bytes in hexadecimal, with or without 0x.
func ParseKey(text string) (*Key, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), "0x"))
	if err != nil || len(b) != 32 { // the text is a secret: it must not be shown
		return nil, fmt.Errorf("%w: want 32 bytes in hexadecimal, 64 digits", ErrKey)
	}
	return newKey(b)
}

func newKey(b []byte) (*Key, error) {
	var s secp256k1.ModNScalar
	if over := s.SetByteSlice(b); over || s.IsZero() {
		return nil, fmt.Errorf("%w: it is not between 1 and the order of the curve", ErrKey)
	}
	k := &Key{private: secp256k1.NewPrivateKey(&s)}
	k.addr = addressOf(k.private.PubKey())
	return k, nil
}

func addressOf(p *secp256k1.PublicKey) (a Address) {
	h := keccak(p.SerializeUncompressed()[1:])
	copy(a[:], h[12:])
	return a
}

// derive makes key i that belongs to a seed. It goes on to the next candidate
// in the case, which will not happen, that the first is no key.
func derive(seed []byte, i int) *Key {
	for try := byte(0); ; try++ {
		h := keccak([]byte("weir load account"), seed, []byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i), try})
		if k, err := newKey(h[:]); err == nil {
			return k
		}
	}
}

// Transfer is an EIP-1559 transaction without data.
type Transfer struct {
	ChainID        uint64
	Nonce          uint64
	MaxPriorityFee *big.Int // wei per gas
	MaxFee         *big.Int // wei per gas
	Gas            uint64
	To             Address
	Value          *big.Int // wei
}

// dynamicFee is the type of EIP-1559 transactions (EIP-2718).
const dynamicFee = 0x02

// fields appends what is signed, without the type and the list around it.
func (t *Transfer) fields(dst []byte) []byte {
	dst = appendUint(dst, t.ChainID)
	dst = appendUint(dst, t.Nonce)
	dst = appendBig(dst, t.MaxPriorityFee)
	dst = appendBig(dst, t.MaxFee)
	dst = appendUint(dst, t.Gas)
	dst = appendBytes(dst, t.To[:])
	dst = appendBig(dst, t.Value)
	dst = appendBytes(dst, nil) // data
	return appendList(dst, nil) // access list
}

// SigningHash is what the sender signs.
func (t *Transfer) SigningHash() Hash {
	return keccak([]byte{dynamicFee}, appendList(nil, t.fields(nil)))
}

// Sign appends the signed transaction as it travels, and returns its hash.
func (t *Transfer) Sign(dst []byte, k *Key) ([]byte, Hash) {
	at := len(dst)
	h := t.SigningHash()
	// 27 + parity, R, S; S is in the lower half of the order, as Ethereum wants
	// it, and the nonce is that of RFC 6979, so the bytes are a function of the
	// input.
	sig := ecdsa.SignCompact(k.private, h[:], false)
	items := t.fields(make([]byte, 0, 192))
	items = appendUint(items, uint64(sig[0]-27))
	items = appendBytes(items, trim(sig[1:33]))
	items = appendBytes(items, trim(sig[33:65]))
	dst = append(dst, dynamicFee)
	dst = appendList(dst, items)
	return dst, keccak(dst[at:])
}

// trim takes leading zeros away: RLP numbers have none.
func trim(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

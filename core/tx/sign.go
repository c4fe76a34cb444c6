package tx

import (
	"crypto/ed25519"

	"github.com/chainweir/weir/hash"
)

// signTag separates transaction signatures from every other use of a key. It
// has seven bytes on purpose: tag, chain id and body are then 175 bytes, so
// that SHA-512(R, A, message) takes two blocks instead of three and the
// identifier's SHA-256 three instead of four.
const signTag = "weirtx1"

// SigningSize is the number of bytes that are signed: tag, chain id, body. A
// tail follows them, with its length.
const SigningSize = len(signTag) + len(ChainID{}) + BodySize

// AppendSigning appends the bytes that are signed and identified: the domain
// tag, the chain id and the transaction without its signature.
func (v View) AppendSigning(dst []byte, chain *ChainID) []byte {
	dst = append(dst, signTag...)
	dst = append(dst, chain[:]...)
	dst = append(dst, v.Body()...)
	return append(dst, v[Size:]...)
}

// ID returns the transaction's identifier on the given chain.
func (v View) ID(chain *ChainID) ID {
	var buf [SigningSize]byte
	return ID(hash.SHA256(v.AppendSigning(buf[:0], chain)))
}

// Sign signs the transaction in place for the given chain.
func (v View) Sign(chain *ChainID, key ed25519.PrivateKey) {
	var buf [SigningSize]byte
	copy(v.Signature(), ed25519.Sign(key, v.AppendSigning(buf[:0], chain)))
}

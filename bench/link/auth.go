package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// Lengths in bytes.
const (
	macLen            = sha256.Size
	nonceLen          = 16
	challengeNonceLen = 32
)

// ErrUnproven means: the server did not prove that it has the token.
var ErrUnproven = errors.New("the link server does not know the token")

// The two sides' proofs differ in their label, so that neither can be sent
// back as the other.
const (
	labelClient = "weir link 2: client\x00"
	labelServer = "weir link 2: server\x00"
)

// proof is HMAC-SHA256, keyed with the token, of who proves, the server's
// fresh nonce and all that the client asks for, its own fresh nonce included.
// Nobody who listens learns the token, and a recorded proof fits no other
// connection. A token that can be guessed can be guessed from it, offline.
func proof(token, label string, challenge, hello []byte) (mac [macLen]byte) {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte(label)) // a hash takes every write
	h.Write(challenge)
	h.Write(hello)
	return [macLen]byte(h.Sum(nil))
}

func equalMAC(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// newChallenge is the body of a challenge frame: whether a token is wanted,
// and a nonce that was never used before.
func newChallenge(wantsToken bool) []byte {
	b := make([]byte, challengeLen)
	if wantsToken {
		b[0] = 1
	}
	_, _ = rand.Read(b[8:]) // never fails
	return b
}

// greet asks the server for a test and proves the token to it.
func greet(rw io.ReadWriter, h hello, token string) (accepted, error) {
	_, _ = rand.Read(h.nonce[:])
	asked := h.marshal()
	if err := writeFrame(rw, kindHello, asked); err != nil {
		return accepted{}, err
	}
	challenge, err := readFrame(rw, kindChallenge)
	if err != nil {
		return accepted{}, err
	}
	if len(challenge) != challengeLen || challenge[0] > 1 {
		return accepted{}, fmt.Errorf("%w: challenge of %d bytes", ErrProtocol, len(challenge))
	}
	if challenge[0] == 0 && token != "" {
		return accepted{}, fmt.Errorf("%w: it was started without one; leave the token out if this is the right server", ErrUnproven)
	}
	mac := proof(token, labelClient, challenge, asked)
	if err := writeFrame(rw, kindAuth, mac[:]); err != nil {
		return accepted{}, err
	}
	body, err := readFrame(rw, kindAccept)
	if err != nil {
		return accepted{}, err
	}
	a, err := parseAccepted(body)
	if err != nil {
		return accepted{}, err
	}
	if want := proof(token, labelServer, challenge, asked); token != "" && !equalMAC(a.mac[:], want[:]) {
		return accepted{}, fmt.Errorf("%w: its answer is not the one of the token; is this the right server?", ErrUnproven)
	}
	return a, nil
}

// challenged is a client whose proof holds.
type challenged struct {
	hello hello
	mac   [macLen]byte // the server's own proof
}

// challenge reads what a client asks for and lets it prove the token. It looks
// at nothing else before.
func challenge(rw io.ReadWriter, token string) (challenged, error) {
	asked, err := readFrame(rw, kindHello)
	if err != nil {
		return challenged{}, err
	}
	h, err := parseHello(asked)
	if err != nil {
		return challenged{}, err
	}
	c := newChallenge(token != "")
	if err := writeFrame(rw, kindChallenge, c); err != nil {
		return challenged{}, err
	}
	got, err := readFrame(rw, kindAuth)
	if err != nil {
		return challenged{}, err
	}
	want := proof(token, labelClient, c, asked)
	if token != "" && !equalMAC(got, want[:]) {
		return challenged{}, fmt.Errorf("%w; use the one the server was started with", ErrToken)
	}
	return challenged{h, proof(token, labelServer, c, asked)}, nil
}

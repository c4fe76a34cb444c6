package rpc_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/tlstest"
	"github.com/chainweir/weir/core/wire"
)

func serverTLS(t *testing.T, p tlstest.Pair, clientCA string) *tls.Config {
	t.Helper()
	cfg, err := rpc.ServerTLS(p.Cert, p.Key, clientCA)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func clientTLS(t *testing.T, ca string, p tlstest.Pair) *tls.Config {
	t.Helper()
	cfg, err := client.TLS(ca, p.Cert, p.Key, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Each side serves only whom it was told to trust, and says why not.
func TestTLS(t *testing.T) {
	ours, theirs := tlstest.New(t, "ours"), tlstest.New(t, "theirs")
	good := ours.Issue(t, "good", time.Hour)
	expired := ours.Issue(t, "expired", -time.Minute)
	foreign := theirs.Issue(t, "foreign", time.Hour)
	old := clientTLS(t, ours.File, good)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	for _, c := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		want   string // in the client's error; empty: it is served
	}{
		{"server certificate", serverTLS(t, good, ""), clientTLS(t, ours.File, tlstest.Pair{}), ""},
		{"both certificates", serverTLS(t, good, ours.File), clientTLS(t, ours.File, good), ""},
		{"client trusts another authority", serverTLS(t, good, ""), clientTLS(t, theirs.File, tlstest.Pair{}), "unknown authority"},
		{"expired server", serverTLS(t, expired, ""), clientTLS(t, ours.File, tlstest.Pair{}), "expired"},
		{"no client certificate", serverTLS(t, good, ours.File), clientTLS(t, ours.File, tlstest.Pair{}), "certificate required"},
		{"foreign client", serverTLS(t, good, ours.File), clientTLS(t, ours.File, foreign), "tls:"},
		{"expired client", serverTLS(t, good, ours.File), clientTLS(t, ours.File, expired), "tls:"},
		{"old version", serverTLS(t, good, ""), old, "protocol version"},
		{"plain client", serverTLS(t, good, ""), nil, "handshake"},
		{"plain server", nil, clientTLS(t, ours.File, tlstest.Pair{}), "handshake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, s, addr := start(t, rpc.Config{TLS: c.server, HelloTimeout: deadline})
			close(f.answer)
			cl, err := client.Dial(t.Context(), addr, client.Options{TLS: c.client})
			if c.want != "" {
				if err == nil {
					cl.Close()
					t.Fatal("it was served")
				}
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			if err := cl.Submit(5, 3, submission(5, 3)[wire.HeaderSize+wire.SubmitHeaderSize:]); err != nil {
				t.Fatal(err)
			}
			sub := receive(t, f.held)
			if sub.Base != 5 || len(sub.Txs) != 3 {
				t.Errorf("%d transactions from %d", len(sub.Txs), sub.Base)
			}
			sub.Done()
			if st := s.Stats(); st.BadTLS != 0 || st.Conns != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// With certificates a client is its key: two keys behind one address have a rate
// each, one key on two connections has one.
func TestClientIsItsKey(t *testing.T) {
	ca := tlstest.New(t, "ca")
	server := serverTLS(t, ca.Issue(t, "server", time.Hour), ca.File)
	f, _, addr := start(t, rpc.Config{TLS: server, Limits: rpc.Limits{TxPerSec: 1e-6, TxBurst: 3}})
	alice, bob := ca.Issue(t, "alice", time.Hour), ca.Issue(t, "bob", time.Hour)
	txs := submission(0, 3)[wire.HeaderSize+wire.SubmitHeaderSize:]
	for i, c := range []struct {
		who  tlstest.Pair
		busy bool
	}{{alice, false}, {alice, true}, {bob, false}, {bob, true}} {
		hint := make(chan time.Duration, 1)
		cl, err := client.Dial(t.Context(), addr, client.Options{
			TLS:     clientTLS(t, ca.File, c.who),
			Handler: client.Handler{Busy: func(_ uint64, _ int, wait time.Duration) { hint <- wait }},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cl.Close() })
		if err := cl.Submit(0, 3, txs); err != nil {
			t.Fatal(err)
		}
		if c.busy {
			if wait := receive(t, hint); wait != wire.MaxRetryAfter {
				t.Errorf("client %d has to wait %v at a millionth per second", i, wait)
			}
			continue
		}
		receive(t, f.held).Done()
	}
}

// A client that begins a handshake and says nothing costs no more than HelloTimeout.
func TestSilentTLSClient(t *testing.T) {
	ca := tlstest.New(t, "ca")
	_, s, addr := start(t, rpc.Config{TLS: serverTLS(t, ca.Issue(t, "server", time.Hour), ""), HelloTimeout: time.Millisecond})
	turnedAway(t, addr)
	// The handshake's deadline closes the socket before the server counts it.
	soon(t, "the failed handshake is not counted", func() bool { return s.Stats().BadTLS == 1 })
}

func TestTLSFiles(t *testing.T) {
	ca := tlstest.New(t, "ca")
	p := ca.Issue(t, "node", time.Hour)
	other := ca.Issue(t, "other", time.Hour)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := junk + ".missing"
	for _, c := range [][3]string{
		{missing, p.Key, ""}, {p.Cert, missing, ""}, {junk, p.Key, ""}, {p.Cert, other.Key, ""},
		{p.Cert, p.Key, missing}, {p.Cert, p.Key, junk},
	} {
		if _, err := rpc.ServerTLS(c[0], c[1], c[2]); !errors.Is(err, rpc.ErrTLS) {
			t.Errorf("%q: %v", c, err)
		}
	}
	for _, c := range [][3]string{
		{missing, "", ""}, {junk, "", ""}, {ca.File, p.Cert, ""}, {ca.File, "", p.Key}, {"", p.Cert, other.Key},
	} {
		if _, err := client.TLS(c[0], c[1], c[2], ""); !errors.Is(err, client.ErrTLS) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

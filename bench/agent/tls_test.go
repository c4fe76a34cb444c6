package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
)

const testTimeout = 30 * time.Second

// observed is an observer whose counters are numbered.
type observed struct {
	mu sync.Mutex
	n  int64
}

func (o *observed) Read() Reading {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	return Reading{Instance: "test", AtUnixNS: o.n, Host: &Host{Cores: 2, BusyNS: o.n}}
}

func (o *observed) What() Watched { return Watched{Port: 7151, Process: "node"} }

// certs makes the files of weir agent --init and reads them as the commands do.
func certs(t *testing.T, dir string, validFor time.Duration) (server, run *tls.Config) {
	t.Helper()
	if err := Init(dir, []string{"127.0.0.1"}, validFor); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	server, err := rpc.ServerTLS(in(FileAgent), in(FileAgentKey), in(FileCA))
	if err != nil {
		t.Fatal(err)
	}
	if run, err = client.TLS(in(FileCA), in(FileRun), in(FileRunKey), ""); err != nil {
		t.Fatal(err)
	}
	return server, run
}

// served is a running agent.
type served struct {
	addr string
	stop func()

	mu  sync.Mutex
	log []string
}

func (s *served) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.log...)
}

// firstLine waits for the end of the first session, which may be later than its
// client's.
func (s *served) firstLine(t *testing.T) string {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(testTimeout)
	for {
		if log := s.lines(); len(log) > 0 {
			return log[0]
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("no session has ended")
		}
	}
}

func serve(t *testing.T, o Observer, cfg ServerConfig, addr string) *served {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{addr: ln.Addr().String()}
	cfg.Log = func(line string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, line)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, o, cfg) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

func dial(t *testing.T, cfg ClientConfig) (*Client, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	c, err := Dial(ctx, cfg)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func TestOnlyOurOwnAreServed(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	_, stranger := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	if c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run}); err != nil || c.What().Process != "node" {
		t.Fatalf("our own run is refused: %v", err)
	}
	for name, c := range map[string]struct {
		cfg  func() *tls.Config
		want string
	}{
		"no certificate": {func() *tls.Config {
			c := run.Clone()
			// Past our own check, as another program would be.
			c.Certificates = []tls.Certificate{{}}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
			return c
		}, "certificate required"},
		"a certificate of another authority": {func() *tls.Config {
			c := stranger.Clone()
			c.RootCAs = run.RootCAs
			return c
		}, "authority"},
		"an agent of another authority": {func() *tls.Config { return stranger }, "authority"},
		"the agent's own certificate, which is not for clients": {func() *tls.Config {
			c := run.Clone()
			c.Certificates = server.Certificates
			return c
		}, "bad certificate"},
		"another host's agent": {func() *tls.Config {
			c := run.Clone()
			c.ServerName = "192.0.2.1"
			return c
		}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dial(t, ClientConfig{Addr: s.addr, TLS: c.cfg()})
			// An agent that hangs up on a question it did not read resets the
			// connection, which can overtake the alert that gives the reason.
			reset := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
			if !errors.Is(err, ErrAgent) || !reset && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want a refusal with %q in it", err, c.want)
			}
		})
	}
	// An old version, by a client that knows nothing newer.
	old := run.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if conn, err := tls.Dial("tcp", s.addr, old); err == nil {
		conn.Close()
		t.Error("TLS 1.2 was accepted")
	} else if !strings.Contains(err.Error(), "version") {
		t.Errorf("TLS 1.2: %v", err)
	}
	// No TLS at all.
	raw, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(testTimeout))
	if _, err := raw.Write([]byte("{\"id\":1,\"op\":\"snapshot\"}\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	if n, _ := raw.Read(answer); strings.Contains(string(answer[:n]), "reading") {
		t.Errorf("an answer without TLS: %q", answer[:n])
	}
}

// The certificates of both ends are checked at a time after their end.
func TestExpired(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	later := func() time.Time { return time.Now().Add(2 * time.Hour) }
	lateRun := run.Clone()
	lateRun.Time = later
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	if _, err := dial(t, ClientConfig{Addr: s.addr, TLS: lateRun}); !errors.Is(err, ErrAgent) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired agent: %v", err)
	}
	lateServer := server.Clone()
	lateServer.Time = later
	s = serve(t, &observed{}, ServerConfig{TLS: lateServer}, "127.0.0.1:0")
	if _, err := dial(t, ClientConfig{Addr: s.addr, TLS: run}); !errors.Is(err, ErrAgent) {
		t.Errorf("an expired run: %v", err)
	}
	if log := s.firstLine(t); !strings.Contains(log, "expired") {
		t.Errorf("the agent's log does not say why: %q", log)
	}
}

// A configuration that would prove nothing is refused before anything is sent.
func TestInsecureConfigurations(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	for name, change := range map[string]func(*tls.Config){
		"no certificate":     func(c *tls.Config) { c.Certificates = nil },
		"no client check":    func(c *tls.Config) { c.ClientAuth = tls.NoClientCert },
		"unverified clients": func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert },
		"no authority":       func(c *tls.Config) { c.ClientCAs = nil },
		"old version":        func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 },
	} {
		c := server.Clone()
		change(c)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := Serve(t.Context(), ln, &observed{}, ServerConfig{TLS: c}); !errors.Is(err, ErrTLS) {
			t.Errorf("server, %s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*tls.Config){
		"no certificate": func(c *tls.Config) { c.Certificates = nil },
		"any authority":  func(c *tls.Config) { c.RootCAs = nil },
		"unchecked":      func(c *tls.Config) { c.InsecureSkipVerify = true },
		"old version":    func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 },
	} {
		c := run.Clone()
		change(c)
		if _, err := dial(t, ClientConfig{Addr: "127.0.0.1:1", TLS: c}); !errors.Is(err, ErrTLS) {
			t.Errorf("client, %s: %v", name, err)
		}
	}
	if _, err := dial(t, ClientConfig{Addr: "127.0.0.1:1"}); !errors.Is(err, ErrTLS) {
		t.Errorf("client without TLS: %v", err)
	}
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if err := Init(dir, []string{"node.example", "198.18.0.1", "::1"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Fatalf("%v, %v", entries, err)
	}
	before := map[string]string{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		before[e.Name()] = string(b)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, FileAgent), filepath.Join(dir, FileAgentKey))
	if err != nil || pair.Leaf.PublicKeyAlgorithm != x509.Ed25519 || len(pair.Leaf.IPAddresses) != 2 || len(pair.Leaf.DNSNames) != 1 {
		t.Errorf("%+v, %v", pair.Leaf, err)
	}
	// Never overwritten, not even in part.
	if err := os.Remove(filepath.Join(dir, FileCA)); err != nil {
		t.Fatal(err)
	}
	if err := Init(dir, []string{"a"}, time.Hour); !errors.Is(err, ErrInit) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("Init over files: %v", err)
	}
	for name, text := range before {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if name == FileCA {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a refused Init made %s", name)
			}
		} else if err != nil || string(b) != text {
			t.Errorf("%s changed, %v", name, err)
		}
	}
	if err := Init(t.TempDir(), nil, time.Hour); !errors.Is(err, ErrInit) {
		t.Errorf("no host: %v", err)
	}
	if err := Init(t.TempDir(), []string{"a"}, 0); !errors.Is(err, ErrInit) {
		t.Errorf("no validity: %v", err)
	}
}

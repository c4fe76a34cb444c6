package agent

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSnapshotAndStream(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	streamed := make(chan Reading, 64)
	c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run, OnReading: func(r Reading) { streamed <- r }})
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	for range 5 {
		r, err := c.Snapshot(t.Context())
		if err != nil || r.Host.BusyNS <= last {
			t.Fatalf("%+v, %v after %d", r, err, last)
		}
		last = r.Host.BusyNS
	}
	for range 2 {
		select {
		case r := <-streamed:
			if r.Instance != "test" {
				t.Errorf("streamed %+v", r)
			}
		case <-time.After(testTimeout):
			t.Fatal("no reading came by itself")
		}
	}
	if k := c.Clock(); k == nil || k.Samples < clockQuestions || k.RTTNS <= 0 || k.ErrorNS*2 < k.RTTNS {
		t.Errorf("clock %+v", k)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Snapshot(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	s.firstLine(t)
	if log := s.lines(); len(log) != 1 || !strings.Contains(log[0], "(weir run)") || !strings.Contains(log[0], "streamed readings") {
		t.Errorf("the session's line: %q", log)
	}
}

// The agent's clock is an hour ahead and its own: what is estimated is right
// within what is stated.
func TestClockOfARealExchange(t *testing.T) {
	const ahead = time.Hour
	server, run := certs(t, t.TempDir(), 3*time.Hour)
	base := steadyClock()
	s := serve(t, &observed{}, ServerConfig{TLS: server, Now: func() time.Time { return base().Add(ahead) }}, "127.0.0.1:0")
	c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run, Now: base})
	if err != nil {
		t.Fatal(err)
	}
	k := c.Clock()
	if d := k.OffsetNS - int64(ahead); d > k.ErrorNS || d < -k.ErrorNS {
		t.Errorf("offset %v is %v off, the error is said to be %v", time.Duration(k.OffsetNS), time.Duration(d), time.Duration(k.ErrorNS))
	}
}

// An agent that dies is an error of that snapshot; when it is back, so are its
// readings, and those of before and after do not mix.
func TestAgentComesBack(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	if _, err := c.Snapshot(t.Context()); !errors.Is(err, ErrAgent) {
		t.Fatalf("a dead agent answered: %v", err)
	}
	serve(t, &restarted{}, ServerConfig{TLS: server}, s.addr)
	again, err := c.Snapshot(t.Context())
	if err != nil || again.Instance != "second" {
		t.Fatalf("%+v, %v", again, err)
	}
	if u, w := again.Since(&first); u.HostCPUBusyNS != nil || w != nil || len(u.Unknown) == 0 {
		t.Errorf("counters of two agents were subtracted: %+v", u)
	}
}

type restarted struct{ observed }

func (r *restarted) Read() Reading {
	x := r.observed.Read()
	x.Instance = "second"
	return x
}

// A caller's deadline is kept although the agent is silent.
func TestSilentAgent(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	mute := &muted{answered: make(chan struct{}), release: make(chan struct{})}
	s := serve(t, mute, ServerConfig{TLS: server}, "127.0.0.1:0")
	t.Cleanup(func() { close(mute.release) }) // before serve's own clean-up
	c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-mute.answered
		cancel()
	}()
	if _, err := c.Snapshot(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAgent) {
		t.Errorf("%v", err)
	}
}

// muted never ends its reading until it is told to.
type muted struct {
	observed
	once              sync.Once
	answered, release chan struct{}
}

func (m *muted) Read() Reading {
	m.once.Do(func() { close(m.answered) })
	<-m.release
	return Reading{}
}

// Verified runs that do not keep to the protocol.
func TestHostileRuns(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	for name, c := range map[string]struct {
		say  string
		want string // in the answer; empty: the session ends without one
	}{
		"not JSON":            {"hello\n", ""},
		"no number":           {`{"op":"hello"}` + "\n", ""},
		"too long":            {strings.Repeat("x", maxQuestionBytes+1) + "\n", ""},
		"endless line":        {strings.Repeat("x", 64<<10), ""},
		"an unknown question": {`{"id":1,"op":"rm -rf"}` + "\n", "unknown question"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", s.addr, run)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(testTimeout))
			_, _ = io.WriteString(conn, c.say) // the agent may hang up in the middle
			line, err := bufio.NewReader(conn).ReadString('\n')
			if c.want == "" && (err == nil || line != "") || !strings.Contains(line, c.want) {
				t.Errorf("answer %q, %v, want %q", line, err, c.want)
			}
		})
	}
	// It still serves.
	if _, err := dial(t, ClientConfig{Addr: s.addr, TLS: run}); err != nil {
		t.Error(err)
	}
}

// More sessions than there are places are refused, and free places are used.
func TestSessionsAreBounded(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	s := serve(t, &observed{}, ServerConfig{TLS: server}, "127.0.0.1:0")
	var clients []*Client
	for range maxSessions {
		c, err := dial(t, ClientConfig{Addr: s.addr, TLS: run})
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if _, err := Dial(ctx, ClientConfig{Addr: s.addr, TLS: run}); err == nil {
		t.Error("one session too many was served")
	}
	if log := s.firstLine(t); !strings.Contains(log, "8 sessions are open") {
		t.Errorf("the log does not say why: %q", log)
	}
	for _, c := range clients {
		if _, err := c.Snapshot(ctx); err != nil {
			t.Errorf("a session suffers from the one too many: %v", err)
		}
		_ = c.Close()
	}
	for ctx.Err() == nil {
		c, err := Dial(ctx, ClientConfig{Addr: s.addr, TLS: run})
		if err == nil {
			_ = c.Close()
			return
		}
	}
	t.Error("places that are free again are not used")
}

// A run bounds what it takes, and ends.
func TestHostileAgents(t *testing.T) {
	server, run := certs(t, t.TempDir(), time.Hour)
	for name, say := range map[string]string{
		"not JSON": "HTTP/1.1 200 OK\r\n\r\n", "a line without end": strings.Repeat("x", maxAnswerBytes+1),
		"an empty greeting": `{"id":1}` + "\n", "hangs up": "", "another number": `{"id":7,"hello":{}}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = bufio.NewReader(conn).ReadString('\n')
				_, _ = io.WriteString(conn, say)
			}()
			if _, err := dial(t, ClientConfig{Addr: ln.Addr().String(), TLS: run}); !errors.Is(err, ErrAgent) {
				t.Errorf("%v", err)
			}
			<-done
		})
	}
}

// FuzzLines: whatever comes, a line is decoded, refused or the end.
func FuzzLines(f *testing.F) {
	a, err := json.Marshal(answer{ID: 1, Reading: ptr(sample())})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(a) + "\n")
	f.Add("{}\n{\"id\":1}")
	f.Fuzz(func(t *testing.T, text string) {
		in := newLines(strings.NewReader(text), maxAnswerBytes)
		for n := 0; ; n++ {
			var r answer
			if err := in.next(&r); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, ErrProtocol) {
					t.Fatal(err)
				}
				return
			}
			if n > len(text) {
				t.Fatal("more lines than there are bytes")
			}
			if r.Reading != nil {
				base := sample()
				r.Reading.Since(&base)
				base.Since(r.Reading)
			}
		}
	})
}

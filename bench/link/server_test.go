package link

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// testTimeout bounds waits that only end early; nothing passes by waiting.
const testTimeout = 30 * time.Second

// serve runs a server on loopback for one test.
func serve(t *testing.T, cfg ServerConfig) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v, want nil after its context ended", err)
		}
	})
	return ln.Addr().String()
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

func TestMeasureLoopback(t *testing.T) {
	addr := serve(t, ServerConfig{Token: "secret"})
	cfg := Config{Dial: dialer(addr), Duration: 400 * time.Millisecond, Token: "secret"}
	res, err := Measure(t.Context(), cfg)
	// A machine that has no time for this test for most of the window is told
	// from a broken measurement by giving it more.
	for errors.Is(err, ErrTooShort) && cfg.Duration < 4*time.Second {
		cfg.Duration *= 2
		res, err = Measure(t.Context(), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	if res.Kind != KindLoopback || res.RTTMinNS == 0 {
		t.Errorf("kind %q, round trip %d ns", res.Kind, res.RTTMinNS)
	}
	for name, d := range map[string]*Direction{"in": res.In, "out": res.Out} {
		if d == nil {
			t.Fatalf("%s is missing", name)
		}
		if d.PayloadBitsPerSec <= 0 || d.L2BitsPerSec <= d.PayloadBitsPerSec || d.BytesPerSegment <= 0 ||
			d.Bytes < d.WindowBytes || d.WindowBytes == 0 || d.Duration <= 0 {
			t.Errorf("%s is %+v", name, *d)
		}
	}
}

// With a byte limit below what loopback carries in the time, both sides count
// the limit to the byte.
func TestByteLimitIsExact(t *testing.T) {
	const limit = 96<<20 + 12345
	addr := serve(t, ServerConfig{})
	for _, dir := range []direction{dirIn, dirOut} {
		conn, err := dialer(addr)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// The duration is far beyond what the limit takes on any machine.
		cfg := Config{Duration: DefaultMaxDuration, MaxBytes: limit}
		c := newBoundedConn(conn, testTimeout)
		if _, err := greet(c, hello{test: testBulk, dir: dir, duration: cfg.Duration, maxBytes: limit}, ""); err != nil {
			t.Fatal(err)
		}
		got, err := transfer(c, dir, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got.total != limit {
			t.Errorf("%v: %d bytes, want the limit of %d", dir, got.total, limit)
		}
		if got.segments.dataSegments > 0 && got.segments.bytesSent-got.segments.bytesRetrans < limit {
			t.Errorf("%v: the kernel sent %d bytes, of which again %d; want at least %d", dir,
				got.segments.bytesSent, got.segments.bytesRetrans, limit)
		}
	}
}

func TestRefusals(t *testing.T) {
	addr := serve(t, ServerConfig{MaxDuration: time.Second, MaxBytes: 1 << 20, Token: "right"})
	for name, c := range map[string]struct {
		cfg  Config
		want error
	}{
		"wrong token":    {Config{Duration: time.Second, MaxBytes: 1 << 20, Token: "wrong"}, ErrToken},
		"no token":       {Config{Duration: time.Second, MaxBytes: 1 << 20}, ErrToken},
		"too long":       {Config{Duration: 2 * time.Second, MaxBytes: 1 << 20, Token: "right"}, ErrTooLarge},
		"too many bytes": {Config{Duration: time.Second, MaxBytes: 1<<20 + 1, Token: "right"}, ErrTooLarge},
	} {
		c.cfg.Dial = dialer(addr)
		res, err := Measure(t.Context(), c.cfg)
		if !errors.Is(err, c.want) || !isRefusal(err) {
			t.Errorf("%s: %v, want %v from the server", name, err, c.want)
		}
		if res.In != nil || res.Out != nil {
			t.Errorf("%s: a refused test has a result %+v", name, res)
		}
	}
	// A wrong token learns nothing about the limits.
	_, err := Measure(t.Context(), Config{Dial: dialer(addr), Duration: time.Minute, Token: "wrong"})
	if !errors.Is(err, ErrToken) || errors.Is(err, ErrTooLarge) {
		t.Errorf("wrong token and too long: %v, want ErrToken only", err)
	}
}

// While one client holds the server, another is refused; when the first is
// gone, the next is served.
func TestOneTestAtATime(t *testing.T) {
	addr := serve(t, ServerConfig{})
	first, err := dialer(addr)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := first.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	ask := hello{test: testBulk, dir: dirIn, duration: time.Second, maxBytes: 1 << 20}
	if _, err := greet(first, ask, ""); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dial: dialer(addr), Duration: 50 * time.Millisecond}
	if _, err := Measure(t.Context(), cfg); !errors.Is(err, ErrBusy) {
		t.Fatalf("a second test at a time: %v, want ErrBusy", err)
	}
	// The first ends in order; its report comes after the server is free.
	if err := writeFrame(first, kindEnd, make([]byte, endLen)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(first, kindReport); err != nil {
		t.Fatal(err)
	}
	if _, err := Measure(t.Context(), cfg); err != nil && !errors.Is(err, ErrTooShort) {
		t.Fatalf("the test after the first: %v, want it served", err)
	}
}

// Input that is no hello is answered with a reason, and the connection closed.
func TestGarbageIsRefused(t *testing.T) {
	addr := serve(t, ServerConfig{})
	var wrongKind, hugeBody [frameHeaderLen]byte
	putFrameHeader(wrongKind[:], frameHeader{kindEnd, 0})
	putFrameHeader(hugeBody[:], frameHeader{kindHello, 1 << 31})
	for name, in := range map[string]string{
		"another protocol": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"wrong frame":      string(wrongKind[:]),
		"huge body":        string(hugeBody[:]),
	} {
		conn, err := dialer(addr)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(testTimeout)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, in); err != nil {
			t.Fatal(err)
		}
		if _, err := readFrame(conn, kindAccept); !errors.Is(err, ErrProtocol) || !isRefusal(err) {
			t.Errorf("%s: answered with %v, want a refusal with ErrProtocol", name, err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: the connection stays open", name)
		}
	}
}

// A client that sends more than it announced is stopped.
func TestOversizeIsStopped(t *testing.T) {
	addr := serve(t, ServerConfig{})
	conn, err := dialer(addr)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := newBoundedConn(conn, testTimeout)
	if _, err := greet(c, hello{test: testBulk, dir: dirIn, duration: time.Second, maxBytes: 1 << 16}, ""); err != nil {
		t.Fatal(err)
	}
	if err := writeFrame(c, kindData, make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(c, kindReport); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes too many: %v, want ErrTooLarge", frameHeaderLen, err)
	}
}

func TestMeasureStopsWithContext(t *testing.T) {
	addr := serve(t, ServerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cfg := Config{Duration: DefaultMaxDuration, Dial: func(ctx context.Context) (net.Conn, error) {
		defer cancel() // ends while the test is under way
		return dialer(addr)(ctx)
	}}
	if _, err := Measure(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("Measure = %v, want context.Canceled", err)
	}
}

func TestServeStopsRunningTests(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, ServerConfig{}) }()
	conn, err := dialer(ln.Addr().String())(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := greet(conn, hello{test: testBulk, dir: dirIn, duration: time.Second, maxBytes: 1 << 20}, ""); err != nil {
		t.Fatal(err)
	}
	cancel() // with a client that holds the server and says nothing
	if err := <-done; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestBadConfig(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []ServerConfig{
		{MaxDuration: -1}, {MaxDuration: MaxDuration + 1}, {MaxBytes: 1}, {Token: strings.Repeat("x", MaxTokenBytes+1)},
	} {
		if err := Serve(t.Context(), ln, cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("Serve(%+v) = %v, want ErrConfig", cfg, err)
		}
	}
	dial := dialer(ln.Addr().String())
	for _, cfg := range []Config{
		{}, {Dial: dial, Duration: time.Millisecond}, {Dial: dial, MaxBytes: 1},
		{Dial: dial, Duration: MaxDuration + 1}, {Dial: dial, Token: strings.Repeat("x", MaxTokenBytes+1)},
	} {
		if _, err := Measure(t.Context(), cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("Measure(%+v) = %v, want ErrConfig", cfg, err)
		}
	}
}

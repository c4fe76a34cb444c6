package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// A recorded proof fits no other connection: the server's nonce is new.
func TestReplayedProofIsRefused(t *testing.T) {
	addr := serve(t, ServerConfig{Token: "a token that is long enough"})
	hello := hello{test: testFacts, dir: dirIn, duration: time.Second, maxBytes: 1 << 16}.marshal()
	var recorded []byte
	for round := range 2 {
		conn, err := dialer(addr)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := errors.Join(conn.SetDeadline(time.Now().Add(testTimeout)), writeFrame(conn, kindHello, hello)); err != nil {
			t.Fatal(err)
		}
		c, err := readFrame(conn, kindChallenge)
		if err != nil {
			t.Fatal(err)
		}
		if recorded == nil {
			mac := proof("a token that is long enough", labelClient, c, hello)
			recorded = mac[:]
		}
		if err := writeFrame(conn, kindAuth, recorded); err != nil {
			t.Fatal(err)
		}
		_, err = readFrame(conn, kindAccept)
		if round == 0 && err != nil {
			t.Fatalf("the first proof: %v", err)
		}
		if round == 1 && !errors.Is(err, ErrToken) {
			t.Fatalf("the same proof again: %v, want ErrToken", err)
		}
	}
}

// A server that has no token, or another, is found out by a client that has
// one: nothing is sent to it.
func TestServerMustProveTheToken(t *testing.T) {
	for name, server := range map[string]func(c net.Conn) error{
		"no token": func(c net.Conn) error { _, err := challenge(c, ""); return err },
		"pretends": func(c net.Conn) error {
			if _, err := readFrame(c, kindHello); err != nil {
				return err
			}
			if err := writeFrame(c, kindChallenge, newChallenge(true)); err != nil {
				return err
			}
			if _, err := readFrame(c, kindAuth); err != nil {
				return err
			}
			return writeFrame(c, kindAccept, accepted{}.marshal())
		},
	} {
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer there.Close()
			_ = server(there) // a client that goes away is an error to it
		}()
		_, err := greet(here, hello{test: testFacts, dir: dirIn, duration: time.Second, maxBytes: 1 << 16}, "the token of the client")
		if !errors.Is(err, ErrUnproven) {
			t.Errorf("%s: %v, want ErrUnproven", name, err)
		}
		here.Close()
		<-done
	}
}

// openUnproven opens a session that asks the server for datagrams but does not
// prove its address.
func openUnproven(t *testing.T, addr string, h hello) (*session, *net.UDPConn) {
	t.Helper()
	conn, err := dialer(addr)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := newBoundedConn(conn, testTimeout)
	yes, err := greet(c, h, "")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), yes.port)
	return &session{hello: h, c: c, pc: pc, tag: yes.tag, peer: to}, pc
}

var trainOut = hello{test: testTrain, dir: dirOut, datagramBytes: 1000, duration: time.Second, maxBytes: 1 << 20}

// Nothing goes to an address that did not return the nonce: a client that
// names another's address, or guesses, gets a refusal and no datagram of data.
func TestNoDatagramsWithoutProof(t *testing.T) {
	u, pc := openUnproven(t, serve(t, ServerConfig{}), trainOut)
	probe := make([]byte, probeBytes)
	putDatagram(probe, u.tag, datagramProbe, 0)
	for _, b := range [][]byte{
		probe[:minDatagramBytes],             // an answer would be larger than the question
		bytes.Repeat([]byte{7}, probeBytes),  // another test's tag
		{}, []byte("x"), make([]byte, 20000), // noise
	} {
		if _, err := pc.WriteToUDPAddrPort(b, u.peer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pc.WriteToUDPAddrPort(probe, u.peer); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	if err := pc.SetReadDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	n, _, err := pc.ReadFromUDPAddrPort(buf)
	if err != nil || n != nonceBytes || n >= probeBytes {
		t.Fatalf("the answer to a probe has %d bytes, %v; want %d, less than the probe", n, err, nonceBytes)
	}
	if err := writeFrame(u.c, kindEcho, make([]byte, nonceLen)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(u.c, kindReady); !errors.Is(err, ErrProtocol) || !isRefusal(err) {
		t.Errorf("a guessed nonce: %v, want a refusal", err)
	}
	// The refusal came after all that the server ever sent.
	if err := pc.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := pc.ReadFromUDPAddrPort(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a datagram of %d bytes came without proof (%v)", n, err)
	}
}

// A client that floods the server with more than it announced, that lies about
// how much it sent, or that leaves, is stopped; the server is free again.
func TestHostileSenders(t *testing.T) {
	addr := serve(t, ServerConfig{})
	in := trainOut
	in.dir, in.maxBytes = dirIn, minChunkBytes
	for name, c := range map[string]struct {
		datagrams int
		says      sentCount
		hangUp    bool
		want      error
	}{
		"floods":       {datagrams: 100, says: sentCount{datagrams: 100, elapsed: time.Second}, want: ErrTooLarge},
		"waits longer": {datagrams: 8, says: sentCount{datagrams: 8, elapsed: 1, waited: 2}, want: ErrProtocol},
		"hangs up":     {datagrams: 8, hangUp: true},
	} {
		u, pc := openUnproven(t, addr, in)
		if err := u.prove(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b := make([]byte, in.datagramBytes)
		for i := range c.datagrams {
			putDatagram(b, u.tag, datagramData, uint64(i))
			if _, err := pc.WriteToUDPAddrPort(b, u.peer); err != nil {
				t.Fatal(err)
			}
		}
		if c.hangUp {
			u.c.Conn.Close()
		} else {
			// A flood may be refused before this is read.
			_ = writeFrame(u.c, kindSent, c.says.marshal())
			if _, err := readFrame(u.c, kindReport); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		// Whoever comes next is served, as soon as the server has noticed.
		free := func() bool {
			_, err := measureSmall(t.Context(), smallConfig(t, addr), dirIn, true)
			return !errors.Is(err, ErrBusy)
		}
		for end := time.Now().Add(testTimeout); !free(); {
			if time.Now().After(end) {
				t.Fatalf("%s: the server stays busy", name)
			}
		}
	}
}

func smallConfig(t *testing.T, addr string) Config {
	t.Helper()
	cfg, err := Config{Dial: dialer(addr), Duration: 50 * time.Millisecond, MaxBytes: 1 << 20}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A server that says more came than was sent is not believed.
func TestLyingServerIsNotBelieved(t *testing.T) {
	for name, b := range map[string][]byte{
		"more than the total": marshalReport(10, []mark{{0, 5, 5}, {1, 11, 11}}),
		"backwards":           marshalReport(10, []mark{{5, 5, 5}, {4, 6, 6}}),
		"cut":                 marshalReport(10, []mark{{5, 5, 5}})[:20],
	} {
		if _, _, err := parseReport(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	for _, b := range []string{"", "{", `{"shapers":[{"rate_bits_per_sec":-1}]}`, `{"nominal":{"mtu":-5}}`, `{"nominal":{"speed_bits_per_sec":0}}`} {
		if _, err := parseFacts([]byte(b)); !errors.Is(err, ErrProtocol) {
			t.Errorf("facts %q: %v, want ErrProtocol", b, err)
		}
	}
	f, err := parseFacts([]byte("{\"unknown\":[\"a\\u001b[2Jb\"],\"nominal\":{\"driver\":\"x\\ny\"}}"))
	if err != nil || f.Unknown[0] != "a?[2Jb" || f.Nominal.Driver != "x?y" {
		t.Errorf("control characters came through: %+v, %v", f, err)
	}
}

// FuzzDatagram holds the parser and the counter of datagrams against any bytes.
func FuzzDatagram(f *testing.F) {
	good := make([]byte, 2*minDatagramBytes)
	putDatagram(good, 7, datagramData, 1)
	putDatagram(good[minDatagramBytes:], 7, datagramData, 2)
	f.Add(good)
	f.Add([]byte{})
	u := &session{hello: hello{datagramBytes: minDatagramBytes}, tag: 7, peer: netip.MustParseAddrPort("192.0.2.1:9")}
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := u.count(b, netip.MustParseAddrPort("192.0.2.2:9")); n != 0 {
			t.Fatalf("%d datagrams from another address count", n)
		}
		n := u.count(b, u.peer)
		if n > 0 && int(n)*minDatagramBytes != len(b) {
			t.Fatalf("%d datagrams in %d bytes", n, len(b))
		}
		if kind, seq, ok := parseDatagram(b, 7); ok {
			again := bytes.Clone(b)
			putDatagram(again, 7, kind, seq)
			if !bytes.Equal(again, b) {
				t.Fatalf("%x reads as %d %d, which is %x", b, kind, seq, again)
			}
		}
	})
}

// FuzzClient lets an arbitrary server talk to a client that has a token: it
// never gets to send anything, because the proof cannot be right.
func FuzzClient(f *testing.F) {
	var b bytes.Buffer
	_ = writeFrame(&b, kindChallenge, newChallenge(true))
	_ = writeFrame(&b, kindAccept, accepted{port: 9, tag: 7}.marshal())
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		rw := struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(in), io.Discard}
		if a, err := greet(rw, trainOut, "a token nobody has"); err == nil {
			t.Fatalf("accepted %+v without proof", a)
		}
	})
}

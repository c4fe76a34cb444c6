package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
)

// A socket that takes no more pings ends the test with its error, though the
// receiver of answers still waits.
func TestPingEndsWhenSendingFails(t *testing.T) {
	cfg := smallConfig(t, serve(t, ServerConfig{}))
	cfg.Duration = time.Second
	cfg.ListenPacket = func(_ context.Context, network, _ string) (net.PacketConn, error) {
		c, err := net.ListenUDP(network, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err == nil {
			// The nonces are exchanged by then, and the pings under way.
			err = c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		}
		return c, err
	}
	done := make(chan error, 1)
	go func() {
		_, err := ping(t.Context(), cfg, 0, cfg.Duration)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ping = %v, want the socket's error", err)
		}
	case <-time.After(testTimeout):
		t.Fatal("ping still waits for answers to what it cannot send")
	}
}

// An interrupted test with datagrams does not wait for a server that is silent.
func TestDatagramsStopWithContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := ln.Accept()
		if err == nil {
			defer c.Close()
			_, _ = readFrame(c, kindHello)
		}
		cancel() // the client waits for the challenge now
		<-t.Context().Done()
	}()
	if _, err := ping(ctx, smallConfig(t, ln.Addr().String()), 0, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("ping = %v, want what ended it", err)
	}
}

// What an interface can carry follows from its speed and MTU: the other side
// does not get to say it, nor to leave it out.
func TestFactsL2FollowsFromSpeed(t *testing.T) {
	for _, l2 := range []string{"", `,"l2_bits_per_sec":null`, `,"l2_bits_per_sec":1e12`} {
		f, err := parseFacts([]byte(`{"nominal":{"mtu":1500,"speed_bits_per_sec":1e9` + l2 + `}}`))
		if err != nil || f.Nominal.L2BitsPerSec == nil || *f.Nominal.L2BitsPerSec != L2BitsPerSec(1e9, 1500) {
			t.Errorf("with %q: %+v, %v; want the rate on layer 2 of 1 Gbit/s", l2, f.Nominal, err)
		}
	}
	f, err := parseFacts([]byte(`{"nominal":{"mtu":1500,"l2_bits_per_sec":1e9}}`))
	if err != nil || f.Nominal.L2BitsPerSec != nil {
		t.Errorf("without a speed: %+v, %v; want no rate on layer 2", f.Nominal, err)
	}
}

// FuzzFacts holds the reader of another machine's facts against any bytes.
func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"nominal":{"interface":"eth0","mtu":1500,"speed_bits_per_sec":1e9},"shapers":[{"kind":"tbf","rate_bits_per_sec":1e8,"burst_bytes":1e308}],"unknown":["a\u0007"]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := parseFacts(b)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Fatalf("unexplained error %v", err)
			}
			return
		}
		_ = facts.shaper().twiceBurst()
		if n := facts.Nominal; n != nil && (n.SpeedBitsPerSec == nil) != (n.L2BitsPerSec == nil) {
			t.Fatalf("%+v has one rate of two", n)
		}
		words := append([]string{}, facts.Unknown...)
		for _, s := range facts.Shapers {
			words = append(words, s.String(), s.Source)
		}
		if n := facts.Nominal; n != nil {
			words = append(append(words, n.Iface, n.Driver, n.Duplex, n.Reason), n.Offloads...)
		}
		if text := strings.Join(words, " "); strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("%q has control characters", text)
		}
		if _, err := json.Marshal(facts); err != nil {
			t.Fatalf("%+v does not write: %v", facts, err)
		}
	})
}

// FuzzBodies holds the readers of frame bodies against any bytes: what one
// takes is what its writer makes of it.
func FuzzBodies(f *testing.F) {
	f.Add(trainOut.marshal())
	f.Add(accepted{port: 9, tag: 7}.marshal())
	f.Add(sentCount{3, time.Second, time.Millisecond}.marshal())
	f.Add(segmentCount{bytesSent: 5, dataSegments: 2, timestamps: true}.marshal())
	f.Add(marshalReport(10, []mark{{0, 5, 1}, {7, 10, 2}}))
	f.Add(marshalRefusal(ErrBusy))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		if h, err := parseHello(b); err == nil {
			again = h.marshal()
		} else if a, err := parseAccepted(b); err == nil {
			again = a.marshal()
		} else if s, err := parseSegmentCount(b); err == nil {
			again = s.marshal()
		}
		if again != nil && !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
		if s, err := parseSentCount(b); err == nil && (!bytes.Equal(s.marshal(), b) || s.bitsPerSec(60) < 0) {
			t.Fatalf("%x reads as %+v", b, s)
		}
		if total, marks, err := parseReport(b); err == nil {
			if !bytes.Equal(marshalReport(total, marks), b) {
				t.Fatalf("%x reads as %d, %v", b, total, marks)
			}
			_, _ = steadyWindow(marks, time.Second)
			_, _, _ = dispersion(marks)
		}
		if err := parseRefusal(b); err == nil || strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Fatalf("refusal %q", err)
		}
	})
}

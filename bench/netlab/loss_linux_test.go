package netlab

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

const lossTestTimeout = 30 * time.Second

// openInternal opens a lab, or skips with the reason.
func openInternal(t *testing.T, cfg Config) *Lab {
	t.Helper()
	if err := Check(); err != nil {
		t.Skipf("network namespaces need root: %v", err)
	}
	lab, err := Open(t.Context(), cfg)
	if errors.Is(err, ErrKernelFeature) || errors.Is(err, ErrNotPermitted) {
		t.Skipf("this kernel or user cannot: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return lab
}

// udpPair is a socket on the node's side and one on the client's, connected.
func udpPair(t *testing.T, lab *Lab) (node net.PacketConn, client net.Conn) {
	t.Helper()
	node, err := lab.ListenPacket(t.Context(), NodeSide, "udp", lab.NodeAddr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	client, err = lab.Dial(t.Context(), ClientSide, "udp", node.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return node, client
}

// Exactly the frames that the seed says are lost, and the others arrive in
// order. A datagram that the kernel took is at the other end, or lost, when the
// counters say so; nothing waits for a clock.
func TestLossIsExact(t *testing.T) {
	// Few enough for the socket to hold them all.
	const seed, fraction, datagrams = 7, 0.25, 200
	lab := openInternal(t, Config{RateBitsPerSec: 100_000_000, LossFraction: fraction, Seed: seed, Name: "loss"})
	node, client := udpPair(t, lab)
	var want []byte
	for i := range datagrams {
		// The node's side draws for what arrives there.
		if !lost(seed^uint64(NodeSide)*mixGamma, uint64(i), lossThreshold(fraction)) {
			want = append(want, byte(i))
		}
		if _, err := client.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	buf := make([]byte, 16)
	if err := node.SetReadDeadline(time.Now().Add(lossTestTimeout)); err != nil {
		t.Fatal(err)
	}
	for range want {
		n, _, err := node.ReadFrom(buf)
		if err != nil || n != 1 {
			t.Fatalf("%d bytes, %v after %d of %d datagrams", n, err, len(got), len(want))
		}
		got = append(got, buf[0])
	}
	if string(got) != string(want) {
		t.Errorf("arrived %v,\nwant %v", got, want)
	}
	l, err := lab.Losses(NodeSide)
	if err != nil {
		t.Fatal(err)
	}
	const frame = 14 + 20 + 8 + 1
	gone := uint64(datagrams - len(want))
	if l.Frames != datagrams || l.LostFrames != gone || l.LostL2Bytes != gone*frame || l.packetsDrawn != datagrams {
		t.Errorf("losses %+v, want %d frames, %d lost of %d bytes each", l, datagrams, gone, frame)
	}
	if l, err := lab.Losses(ClientSide); err != nil || l.Frames != 0 {
		t.Errorf("the client's side, to which nothing was sent, counted %+v, %v", l, err)
	}
	// What was lost had used the link.
	if b, p, _, err := lab.ShaperCounters(ClientSide); err != nil || p != datagrams || b != datagrams*frame {
		t.Errorf("the shaper sent %d frames of %d bytes, %v", p, b, err)
	}
}

// A bulk transfer comes through a lossy link whole, and frames are lost one at
// a time: the program never sees a packet of several frames.
func TestLossyTransferIsWhole(t *testing.T) {
	lab := openInternal(t, Config{RateBitsPerSec: 1_000_000_000, LossFraction: 0.01, Seed: 3, Name: "loss"})
	ctx, cancel := context.WithTimeout(t.Context(), lossTestTimeout)
	defer cancel()
	ln, err := lab.Listen(ctx, NodeSide, "tcp", lab.NodeAddr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const bytes = 2 << 20
	sent := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			_, err = conn.Write(make([]byte, bytes))
			err = errors.Join(err, conn.Close())
		}
		sent <- err
	}()
	conn, err := lab.Dial(ctx, ClientSide, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(lossTestTimeout))
	total, buf := 0, make([]byte, 64<<10)
	for total < bytes {
		n, err := conn.Read(buf)
		total += n
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	l, err := lab.Losses(ClientSide)
	if err != nil || l.LostFrames == 0 || l.Frames < bytes/1448 || l.Frames != l.packetsDrawn {
		t.Errorf("losses %+v, %v: want some lost of at least %d frames, each drawn by itself", l, err, bytes/1448)
	}
}

// A cut link loses everything in both directions, and a joined one nothing.
func TestPartition(t *testing.T) {
	lab := openInternal(t, Config{RateBitsPerSec: 100_000_000, Partitionable: true, Name: "cut"})
	node, client := udpPair(t, lab)
	say := func(word string) {
		t.Helper()
		if _, err := client.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
	}
	say("before")
	if err := lab.SetPartition(true); err != nil {
		t.Fatal(err)
	}
	// The frame before the cut may still be in the shaper when it falls; so only
	// what is sent after it is known to be lost.
	say("during")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(lossTestTimeout)
	for {
		l, err := lab.Losses(NodeSide)
		if err != nil {
			t.Fatal(err)
		}
		if l.Frames == 2 {
			if l.LostFrames == 0 {
				t.Fatal("a cut link let a frame through")
			}
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("two frames were sent, %+v arrived", l)
		}
	}
	if err := lab.SetPartition(false); err != nil {
		t.Fatal(err)
	}
	say("after")
	_ = node.SetReadDeadline(time.Now().Add(lossTestTimeout))
	var heard []string
	buf := make([]byte, 16)
	for len(heard) == 0 || heard[len(heard)-1] != "after" {
		n, _, err := node.ReadFrom(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, heard)
		}
		heard = append(heard, string(buf[:n]))
	}
	if strings.Contains(strings.Join(heard, " "), "during") {
		t.Errorf("heard %q across a cut link", heard)
	}

	plain := openInternal(t, Config{RateBitsPerSec: 100_000_000, Name: "plain"})
	if err := plain.SetPartition(true); !errors.Is(err, ErrConfig) {
		t.Errorf("SetPartition of a lab without the program: %v", err)
	}
	if l, err := plain.Losses(NodeSide); err != nil || l != (Losses{}) {
		t.Errorf("a lab without loss lost %+v, %v", l, err)
	}
}

// Delay is there on a kernel with netem, and otherwise refused in words, with
// nothing left behind.
func TestDelay(t *testing.T) {
	if err := Check(); err != nil {
		t.Skipf("network namespaces need root: %v", err)
	}
	const delay = 20 * time.Millisecond
	lab, err := Open(t.Context(), Config{RateBitsPerSec: 100_000_000, Delay: delay, Name: "delay"})
	if errors.Is(err, ErrKernelFeature) {
		if lab != nil || !strings.Contains(err.Error(), "netem") || !strings.Contains(err.Error(), "leave the delay out") {
			t.Errorf("Open = %v, %v, want the reason and the remedy", lab, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	node, client := udpPair(t, lab)
	start := time.Now()
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = node.SetReadDeadline(time.Now().Add(lossTestTimeout))
	if _, _, err := node.ReadFrom(make([]byte, 1)); err != nil || time.Since(start) < delay {
		t.Errorf("%v after %v, want at least %v", err, time.Since(start), delay)
	}
}

// The queue that adds delay holds the frames under way and those that wait.
func TestNetemLimit(t *testing.T) {
	q := Config{RateBitsPerSec: 100_000_000, Delay: 100 * time.Millisecond}.netem(3)
	if q.Limit != (1_250_000+625_000)/64 || q.LinkIndex != 3 ||
		q.Parent != netlink.MakeHandle(1, 1) {
		t.Errorf("%+v", q)
	}
}

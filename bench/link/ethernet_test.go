package link

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestEthernetGolden(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want float64
		digits    float64
	}{
		{"10 GbE, frames of 64 B/s", FramesPerSec(10e9, 64), 14_880_952.38, 0.005},
		{"10 GbE, frames of 1518 B/s", FramesPerSec(10e9, 1518), 812_743.82, 0.005},
		{"1 GbE, frames shorter than the minimum", FramesPerSec(1e9, 10), 1_488_095.238, 0.0005},
		{"1 GbE at layer 2, MTU 1500", L2BitsPerSec(1e9, 1500), 1e9 * 1514 / 1538, 1e-3},
		{"share of TCP, MTU 1500, IPv4, timestamps", TCPShare(1500, false, true), 1448.0 / 1538, 1e-12},
		{"share of TCP, MTU 1500, IPv4, no timestamps", TCPShare(1500, false, false), 1460.0 / 1538, 1e-12},
		{"share of TCP, MTU 1500, IPv6, timestamps", TCPShare(1500, true, true), 1428.0 / 1538, 1e-12},
		{"share of TCP, MTU 9000, IPv4, timestamps", TCPShare(9000, false, true), 8948.0 / 9038, 1e-12},
		{"share of TCP, MTU too small", TCPShare(40, false, true), 0, 0},
	} {
		if math.Abs(c.got-c.want) > c.digits {
			t.Errorf("%s: %.6f, want %.6f", c.what, c.got, c.want)
		}
	}
	if got := TCPPayloadBytes(1500, false, true); got != 1448 {
		t.Errorf("TCP payload at MTU 1500 is %d, want 1448", got)
	}
	if got := headerBytes(false, true); got != 66 {
		t.Errorf("headers of a segment are %d bytes, want 66", got)
	}
}

// Layer 2 always carries less than the nominal rate, the gap shrinks as frames
// grow, and a frame's bytes on the medium times the frame rate is the rate.
func TestEthernetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nominal := rapid.Float64Range(1e6, 400e9).Draw(t, "nominal")
		mtu := rapid.IntRange(1, 65536).Draw(t, "mtu")
		l2 := L2BitsPerSec(nominal, mtu)
		if l2 <= 0 || l2 >= nominal || L2BitsPerSec(nominal, mtu+1) < l2 {
			t.Fatalf("L2BitsPerSec(%g, %d) = %g", nominal, mtu, l2)
		}
		frame := max(mtu+18, 64)
		if medium := FramesPerSec(nominal, frame) * 8 * float64(frame-4+UnseenBytesPerFrame); math.Abs(medium-nominal) > nominal*1e-12 {
			t.Fatalf("frames of %d B fill %g of %g bits/s", frame, medium, nominal)
		}
		if s := TCPShare(mtu, false, true); s < 0 || s >= l2/nominal {
			t.Fatalf("TCP has %g of the rate, layer 2 has %g", s, l2/nominal)
		}
	})
}

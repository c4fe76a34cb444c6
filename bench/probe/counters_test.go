package probe

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCountUnknownIsNeverZero(t *testing.T) {
	b, err := json.Marshal(Direction{Packets: Known(0), L2Bytes: Known(7)})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"packets":0,"l2_bytes":7,"payload_bytes":null,"data_packets":null,"retrans_segments":null,"cut_packets":null,"cut_l2_bytes":null}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	for _, c := range []struct{ a, b, want Count }{
		{Known(5), Known(3), Known(2)},
		{Known(3), Known(5), Count{}}, // went backwards: reset
		{Count{}, Known(5), Count{}},
		{Known(5), Count{}, Count{}},
	} {
		if got := c.a.sub(c.b); got != c.want {
			t.Errorf("%v - %v = %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if got := (Count{}).String(); got != "unknown" {
		t.Errorf("String of unknown = %q", got)
	}
	if got := Known(math.MaxUint64).pointer(); *got != math.MaxInt64 {
		t.Errorf("a count beyond int64 became %d", *got)
	}
}

func TestSubTakesEveryField(t *testing.T) {
	all := func(n uint64) Direction {
		return Direction{Known(n), Known(n + 1), Known(n + 2), Known(n + 3), Known(n + 4), Known(n + 5), Known(n + 6)}
	}
	later := Counters{In: all(100), Out: all(200), Exact: true, Lost: Known(9)}
	earlier := Counters{In: all(90), Out: all(150), Exact: true, Lost: Known(4)}
	tens := Direction{Known(10), Known(10), Known(10), Known(10), Known(10), Known(10), Known(10)}
	fifties := Direction{Known(50), Known(50), Known(50), Known(50), Known(50), Known(50), Known(50)}
	want := Counters{In: tens, Out: fifties, Exact: true, Lost: Known(5)}
	if d := cmp.Diff(want, later.Sub(earlier)); d != "" {
		t.Error(d)
	}
}

func TestRecordKeepsUnknown(t *testing.T) {
	c := Counters{In: Direction{Packets: Known(2), L2Bytes: Known(132), PayloadBytes: Known(0), DataPackets: Known(0)}, Exact: true}
	r := c.Record(KindEBPF)
	if r.Source != KindEBPF || !r.Exact || *r.In.Packets != 2 || *r.In.BytesMTU1500 != 132 {
		t.Errorf("record is %+v", r)
	}
	if r.In.Retransmits != nil || r.Out.Bytes != nil || r.Out.PacketsMTU1500 != nil || r.LostEvents != nil {
		t.Errorf("something unknown got a value: %+v", r)
	}
}

// totals is what a source that sees sums only would report of segments.
func totals(segments []uint64, acks, header uint64) Direction {
	var payload uint64
	for _, s := range segments {
		payload += s
	}
	n := uint64(len(segments))
	return Direction{
		Packets: Known(n + acks), L2Bytes: Known(payload + (n+acks)*header),
		PayloadBytes: Known(payload), DataPackets: Known(n),
	}
}

func framesAt1448(segments []uint64) (n uint64) {
	for _, s := range segments {
		n += (s + 1447) / 1448
	}
	return n
}

func TestMTU1500EqualSegmentsAreExact(t *testing.T) {
	for _, size := range []uint64{1, 200, 1447, 1448, 1449, 2896, 2897, 65483} {
		segments := []uint64{size, size, size, size}
		packets, bytes := totals(segments, 3, headersIPv4TS).MTU1500()
		frames := framesAt1448(segments)
		if packets != Known(frames+3) || bytes != Known(4*size+(frames+3)*headersIPv4TS) {
			t.Errorf("4 segments of %d: %v packets, %v bytes; want %d and %d",
				size, packets, bytes, frames+3, 4*size+(frames+3)*headersIPv4TS)
		}
	}
}

func TestMTU1500StaysBetweenTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := rapid.SliceOfN(rapid.Uint64Range(1, 65483), 1, 50).Draw(t, "segments")
		acks := rapid.Uint64Range(0, 50).Draw(t, "acks")
		d := totals(segments, acks, headersIPv4TS)
		packets, bytes := d.MTU1500()
		n, p := uint64(len(segments)), d.PayloadBytes.N
		low, high := max(n, (p+1447)/1448)+acks, n+p/1448+acks
		if !packets.Known || packets.N < low || packets.N > high {
			t.Fatalf("%v packets, want %d..%d", packets, low, high)
		}
		if want := p + packets.N*headersIPv4TS; bytes != Known(want) {
			t.Fatalf("%v bytes for %v packets, want %d", bytes, packets, want)
		}
		if truth := framesAt1448(segments) + acks; truth < low || truth > high {
			t.Fatalf("the bounds %d..%d do not hold the truth %d", low, high, truth)
		}
	})
}

func TestMTU1500UnknownStaysUnknown(t *testing.T) {
	full := totals([]uint64{3000}, 1, headersIPv4TS)
	for name, d := range map[string]Direction{
		"nothing":         {},
		"no packets":      {L2Bytes: full.L2Bytes, PayloadBytes: full.PayloadBytes, DataPackets: full.DataPackets},
		"no data packets": {Packets: full.Packets, L2Bytes: full.L2Bytes, PayloadBytes: full.PayloadBytes},
		"contradiction":   {Packets: Known(1), L2Bytes: Known(10), PayloadBytes: Known(100), DataPackets: Known(1)},
	} {
		if p, b := d.MTU1500(); p.Known || b.Known {
			t.Errorf("%s: %v packets, %v bytes", name, p, b)
		}
	}
	acksOnly := totals(nil, 5, headersIPv4TS)
	if p, b := acksOnly.MTU1500(); p != Known(5) || b != Known(5*headersIPv4TS) {
		t.Errorf("acknowledgements changed size: %v, %v", p, b)
	}
	counted := Direction{CutPackets: Known(9), CutL2Bytes: Known(99), Packets: Known(1)}
	if p, b := counted.MTU1500(); p != Known(9) || b != Known(99) {
		t.Errorf("counted frames were not taken: %v, %v", p, b)
	}
}

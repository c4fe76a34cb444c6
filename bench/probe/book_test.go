package probe

import (
	"net/netip"
	"testing"
	"time"
)

func bookOf(t *testing.T) *socketBook {
	t.Helper()
	classes, err := newClassTable([]PortClass{{"client", 7151}}, false)
	if err != nil {
		t.Fatal(err)
	}
	return newSocketBook(classes)
}

func socketOf(cookie, received uint64) Socket {
	return Socket{Cookie: cookie, State: tcpEstablished, Local: netip.MustParseAddrPort("127.0.0.1:7151"), Remote: netip.MustParseAddrPort("127.0.0.2:50000"), BytesReceived: received}
}

// localEnd is the book's only class, as seen from the owner of its port.
func localEnd(t *testing.T, b *socketBook) SocketClass {
	t.Helper()
	s := b.sample("test")
	if len(s.Classes) != 1 || s.Classes[0].Class != "client" || s.Classes[0].End != EndLocal {
		t.Fatalf("classes %+v", s.Classes)
	}
	return s.Classes[0]
}

// The report of a socket's end may come after a listing that no longer has it:
// what it did since the listing before counts once.
func TestALateReportOfAnEndCounts(t *testing.T) {
	b, now := bookOf(t), time.Unix(1000, 0)
	b.listing([]Socket{socketOf(1, 100)}, true, now)
	b.listing(nil, true, now.Add(time.Millisecond))
	if n := b.missing(now.Add(time.Millisecond)); n != 0 {
		t.Fatalf("%d reports are taken for lost before they could come", n)
	}
	b.close(socketOf(1, 250), now.Add(2*time.Millisecond))
	b.close(socketOf(1, 250), now.Add(3*time.Millisecond)) // and once only
	b.listing(nil, true, now.Add(4*time.Millisecond))
	if got := localEnd(t, b); got.AppReceivedBytes != Known(250) || got.Closed != Known(1) || got.Opened != Known(1) || got.Live.Connections != Known(0) {
		t.Errorf("%+v, want 250 bytes of one connection that closed", got)
	}
}

// A report that never comes: the socket ends as it was listed last, and is lost.
func TestALostReportOfAnEnd(t *testing.T) {
	b, now := bookOf(t), time.Unix(1000, 0)
	both := []Socket{socketOf(1, 100), socketOf(2, 10)}
	b.listing(both, true, now)
	for i, at := range []time.Duration{0, reportWait - 1, reportWait} {
		b.listing(both[1:], true, now.Add(at))
		want := uint64(0)
		if at == reportWait {
			want = 1
		}
		if n := b.missing(now.Add(at)); n != want {
			t.Errorf("look %d: %d lost, want %d", i, n, want)
		}
	}
	if got := localEnd(t, b); got.AppReceivedBytes != Known(110) || got.Closed != Known(1) || got.Live.Connections != Known(1) {
		t.Errorf("%+v, want 110 bytes, one closed and one live", got)
	}
	b.listing(both[1:], false, now.Add(time.Hour))
	b.listing(nil, false, now.Add(time.Hour)) // nothing is reported here: it ends at once
	if got := localEnd(t, b); got.Closed != Known(2) || got.Live.Connections != Known(0) {
		t.Errorf("%+v, want two closed", got)
	}
}

// What closed is forgotten after a while, however many they are.
func TestTheBookForgetsEnds(t *testing.T) {
	b, now := bookOf(t), time.Unix(1000, 0)
	for cookie := range uint64(100) {
		b.close(socketOf(cookie+1, 1), now)
	}
	b.listing(nil, true, now.Add(endedMemory+1))
	if len(b.ended) != 0 || len(b.live) != 0 {
		t.Errorf("%d ends and %d sockets are still remembered", len(b.ended), len(b.live))
	}
	if got := localEnd(t, b); got.AppReceivedBytes != Known(100) {
		t.Errorf("%v bytes received, want 100", got.AppReceivedBytes)
	}
}

// A mean without buckets is one in every interval, and its samples stay unknown.
func TestMeanWithoutSamples(t *testing.T) {
	first, second := newMean(0, 0), newMean(600, 3)
	third := newMean(600+1000, 3+1)
	for name, c := range map[string]struct {
		d    Distribution
		want float64
	}{"since the start": {second.sub(first), 200}, "of the interval": {third.sub(second), 1000}} {
		if c.d.MeanUS == nil || *c.d.MeanUS != c.want || c.d.Samples.Known || c.d.P50US != nil {
			t.Errorf("%s: %+v, want a mean of %g and nothing else", name, c.d, c.want)
		}
	}
	if d := third.sub(third); d.MeanUS != nil || d.Samples.Known {
		t.Errorf("an interval without traffic has %+v", d)
	}
	counted := newDistribution([]uint64{1, 2}, 5).sub(newDistribution([]uint64{1, 1}, 3))
	if counted.Samples != Known(1) || counted.MeanUS == nil || *counted.MeanUS != 2 {
		t.Errorf("with samples: %+v", counted)
	}
}

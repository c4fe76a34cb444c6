package probe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzEachListed holds the full reader of sock_diag against any bytes: it finds
// no more sockets than fit, and whatever they say, the book adds them up.
func FuzzEachListed(f *testing.F) {
	sock := encodeSocket(familyIPv4, sampleSocket(), 280)
	f.Add(append(message(sockDiagByFamily, 7, sock), message(nlDone, 7, make([]byte, 4))...), uint32(7))
	f.Add(append(message(sockDiagByFamily, 7, sock), message(sockDiagByFamily, 7, sock[:inetDiagMsgLen])...), uint32(0))
	f.Add(message(sockDiagByFamily, 7, encodeSocket(familyIPv6, sampleSocket(), 232)), uint32(7))
	f.Add(message(nlError, 0, []byte{1, 0, 0, 0}), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, seq uint32) {
		classes, err := newClassTable([]PortClass{{"client", testServerPort}}, true)
		if err != nil {
			t.Fatal(err)
		}
		book, now := newSocketBook(classes), time.Unix(1000, 0)
		var sockets []Socket
		_, err = eachListed(b, seq, func(s *listedSocket) { sockets = append(sockets, s.Socket) })
		if len(sockets)*inetDiagMsgLen > len(b) {
			t.Fatalf("%d sockets in %d bytes (%v)", len(sockets), len(b), err)
		}
		book.listing(sockets, false, now)
		if len(book.live) > len(sockets) {
			t.Fatalf("%d sockets live of %d", len(book.live), len(sockets))
		}
		book.listing(nil, false, now)
		s := book.sample(SourceSockDiag)
		if len(book.live) != 0 {
			t.Fatalf("%d sockets live of none", len(book.live))
		}
		if _, err := json.Marshal(Sample{Sockets: s}.Sub(Sample{Sockets: s})); err != nil {
			t.Fatalf("the sample does not write: %v", err)
		}
	})
}

// FuzzSoftirqs holds the reader of /proc/softirqs against any text.
func FuzzSoftirqs(f *testing.F) {
	f.Add("                    CPU0       CPU1\n          HI:          0          1\n      NET_RX:     188812     181254\n")
	f.Add("NET_RX: 18446744073709551616\n")
	f.Add(":")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSoftirqs(strings.NewReader(text))
		if err != nil {
			return
		}
		for name := range got {
			if name != strings.TrimSpace(name) || strings.Contains(name, ":") || !strings.Contains(text, name) {
				t.Fatalf("%q is no name in %q", name, text)
			}
		}
	})
}

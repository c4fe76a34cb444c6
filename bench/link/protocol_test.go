package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawHello(t *rapid.T) hello {
	h := hello{
		test:           rapid.SampledFrom([]testKind{testBulk, testTrain, testPing, testFacts}).Draw(t, "test"),
		dir:            rapid.SampledFrom([]direction{dirIn, dirOut}).Draw(t, "dir"),
		duration:       time.Duration(rapid.Int64Min(1).Draw(t, "duration")),
		maxBytes:       rapid.Uint64Min(minChunkBytes).Draw(t, "maxBytes"),
		rateBitsPerSec: rapid.SampledFrom([]uint64{0, minRateBitsPerSec, 1 << 40}).Draw(t, "rate"),
		nonce:          [nonceLen]byte(rapid.SliceOfN(rapid.Byte(), nonceLen, nonceLen).Draw(t, "nonce")),
	}
	if h.test.datagrams() {
		h.datagramBytes = rapid.Uint32Range(minDatagramBytes, maxDatagramBytes).Draw(t, "datagram")
		h.single = h.test == testTrain && rapid.Bool().Draw(t, "single")
	}
	return h
}

func TestHelloRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawHello(t)
		var b bytes.Buffer
		if err := writeFrame(&b, kindHello, want.marshal()); err != nil {
			t.Fatal(err)
		}
		body, err := readFrame(&b, kindHello)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseHello(body); err != nil || got != want {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	})
}

// The bytes of a hello are fixed: another implementation can be written from
// them.
func TestHelloGolden(t *testing.T) {
	var b bytes.Buffer
	h := hello{
		test: testTrain, dir: dirOut, single: true, datagramBytes: 18, duration: time.Second, maxBytes: 1 << 20,
		rateBitsPerSec: 1_000_000, nonce: [nonceLen]byte([]byte("0123456789abcdef")),
	}
	if err := writeFrame(&b, kindHello, h.marshal()); err != nil {
		t.Fatal(err)
	}
	want := "WLNK\x02\x01\x00\x00\x30\x00\x00\x00" +
		"\x02\x02\x01\x00\x12\x00\x00\x00" + "\x00\xca\x9a\x3b\x00\x00\x00\x00" +
		"\x00\x00\x10\x00\x00\x00\x00\x00" + "\x40\x42\x0f\x00\x00\x00\x00\x00" + "0123456789abcdef"
	if b.String() != want {
		t.Errorf("hello is %q, want %q", b.String(), want)
	}
}

func TestParseHelloRefuses(t *testing.T) {
	good := hello{test: testBulk, dir: dirIn, duration: time.Second, maxBytes: 1 << 20}.marshal()
	train := hello{test: testTrain, dir: dirIn, duration: time.Second, maxBytes: 1 << 20, datagramBytes: 100}.marshal()
	if _, err := parseHello(good); err != nil {
		t.Fatal(err)
	}
	if _, err := parseHello(train); err != nil {
		t.Fatal(err)
	}
	change := func(good []byte, at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty":             {},
		"short":             good[:helloLen-1],
		"long":              append(bytes.Clone(good), 'x'),
		"test 0":            change(good, 0, 0),
		"test 9":            change(good, 0, 9),
		"direction 0":       change(good, 1, 0),
		"direction 3":       change(good, 1, 3),
		"single bulk":       change(good, 2, 1),
		"single 2":          change(train, 2, 2),
		"reserved":          change(train, 3, 1),
		"bulk of datagrams": change(good, 4, 100),
		"short datagrams":   change(train, 4, minDatagramBytes-1),
		"jumbo datagrams":   change(train, 5, 0xff),
		"negative duration": change(good, 15, 0x80),
		"no duration":       hello{test: testBulk, dir: dirIn, maxBytes: 1 << 20}.marshal(),
		"no bytes":          hello{test: testBulk, dir: dirIn, duration: 1, maxBytes: minChunkBytes - 1}.marshal(),
		"a rate of 1 bit/s": change(good, 24, 1),
	} {
		if _, err := parseHello(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
}

func TestParseFrameHeaderRefuses(t *testing.T) {
	good := make([]byte, frameHeaderLen)
	putFrameHeader(good, frameHeader{kindData, 1000})
	if h, err := parseFrameHeader(good); err != nil || h != (frameHeader{kindData, 1000}) {
		t.Fatalf("a good header: %+v, %v", h, err)
	}
	for name, edit := range map[string]func(b []byte){
		"magic":      func(b []byte) { b[0] = 'x' },
		"version":    func(b []byte) { b[4] = 1 },
		"kind 0":     func(b []byte) { b[5] = 0 },
		"kind 99":    func(b []byte) { b[5] = 99 },
		"reserved":   func(b []byte) { b[7] = 1 },
		"too long":   func(b []byte) { binary.LittleEndian.PutUint32(b[8:], maxChunkBytes) },
		"4 GiB long": func(b []byte) { binary.LittleEndian.PutUint32(b[8:], 1<<32-1) },
	} {
		b := bytes.Clone(good)
		edit(b)
		if _, err := parseFrameHeader(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	if _, err := parseFrameHeader(good[:11]); !errors.Is(err, ErrProtocol) {
		t.Errorf("cut header: %v, want ErrProtocol", err)
	}
}

func TestRefusalRoundTrip(t *testing.T) {
	for _, want := range []error{ErrBusy, ErrToken, ErrTooLarge, ErrProtocol, ErrStopped} {
		got := parseRefusal(marshalRefusal(want))
		if !errors.Is(got, want) || !strings.Contains(got.Error(), want.Error()) {
			t.Errorf("%v came back as %v", want, got)
		}
	}
	if got := parseRefusal(marshalRefusal(io.ErrUnexpectedEOF)); !errors.Is(got, ErrStopped) {
		t.Errorf("an error without a code came back as %v, want ErrStopped", got)
	}
	long := parseRefusal(marshalRefusal(errors.New(strings.Repeat("long ", 1000))))
	if n := len(long.Error()); n > maxReasonBytes+100 {
		t.Errorf("a reason of %d bytes came through", n)
	}
	if got := parseRefusal([]byte{1, 0, 'a', 0x1b, '[', '2', 'J', 0xff, '\n'}).Error(); strings.Contains(got, "\x1b") || strings.Contains(got, "\n") || strings.Contains(got, "\xff") {
		t.Errorf("control characters came through: %q", got)
	}
	for _, b := range [][]byte{{}, {1}, {99, 0}} {
		if err := parseRefusal(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("parseRefusal(%v) = %v, want ErrProtocol", b, err)
		}
	}
}

func TestSegmentCountRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := segmentCount{
			bytesSent: rapid.Uint64().Draw(t, "sent"), dataSegments: rapid.Uint64().Draw(t, "segments"),
			bytesRetrans: rapid.Uint64().Draw(t, "retrans"), timestamps: rapid.Bool().Draw(t, "timestamps"),
			minRTTNS: rapid.Uint64().Draw(t, "rtt"),
		}
		if got, err := parseSegmentCount(want.marshal()); err != nil || got != want {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	})
	bad := segmentCount{}.marshal()
	bad[32] = 2
	for _, b := range [][]byte{{}, bad[:39], bad} {
		if _, err := parseSegmentCount(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("parseSegmentCount(%v) = %v, want ErrProtocol", b, err)
		}
	}
}

// Framing of segments that were counted, that wrapped 32 bits in between, and
// that nobody counted.
func TestFraming(t *testing.T) {
	before := segmentCount{bytesSent: 100, dataSegments: 1<<32 - 5, timestamps: true}
	after := segmentCount{bytesSent: 100 + 1448*20, dataSegments: 15, timestamps: true}
	per, header, counted := after.since(before).framing(false)
	if per != 1448 || header != 66 || !counted {
		t.Errorf("counted segments: %g B, %d B headers, %v", per, header, counted)
	}
	after.timestamps = false
	if _, header, _ = after.since(before).framing(true); header != 74 {
		t.Errorf("IPv6 without timestamps has headers of %d bytes, want 74", header)
	}
	per, header, counted = segmentCount{}.framing(false)
	if per != 1448 || header != 66 || counted {
		t.Errorf("no counts: %g B, %d B headers, %v", per, header, counted)
	}
}

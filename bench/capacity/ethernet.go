package capacity

import (
	"fmt"
	"math"
)

// Ethernet framing in bytes. Frame sizes in weir are L2 without FCS: 14 bytes
// of header and the payload.
const (
	// L1OverheadBytes is what every frame costs on the cable beyond its L2
	// bytes: FCS 4, preamble and start delimiter 8, gap 12 (IEEE 802.3).
	L1OverheadBytes = 24
	// MaxFrameBytes is the largest L2 frame at MTU 1500.
	MaxFrameBytes = 1514
	// MinFrameBytes is the smallest: shorter ones are padded.
	MinFrameBytes = 60
)

// Nominal speeds OnLinks looks at.
var commonLinksBitsPerSec = []float64{100e6, 1e9, 10e9}

// FramesPerSec is the frame rate of an Ethernet link filled with L2 frames of
// one size: nominal speed ÷ 8 ÷ (bytes + 24), with short frames padded.
func FramesPerSec(nominalBitsPerSec, frameBytes float64) float64 {
	return nominalBitsPerSec / 8 / (max(frameBytes, MinFrameBytes) + L1OverheadBytes)
}

// Traffic is what one committed transaction puts on the wire, seen from the
// node, at MTU 1500: L2 bytes without FCS, and frames. Figures taken on
// loopback must be converted first, because its frames reach 64 KiB.
type Traffic struct {
	BytesPerTxIn    float64
	BytesPerTxOut   float64
	PacketsPerTxIn  *float64 // nil: not measured
	PacketsPerTxOut *float64
}

// LinkWall is what one Ethernet link would carry of this traffic.
type LinkWall struct {
	NominalBitsPerSec float64
	WireTxPerSec      float64 // the link alone, at L1: bytes + 24 per frame
	Direction         string  // the direction that fills first, "in" or "out"; the link is full duplex
	BoundTxPerSec     float64 // the lower of the link and the other first wall
	Wall              string  // "wire" or the name of that other wall
	// FramesAssumed: no frame count was given, so full frames were assumed.
	// The rate is then too high by up to 1 + 24/bytes-per-frame.
	FramesAssumed bool
}

// OnLink computes at which rate an Ethernet link of nominalBitsPerSec is the
// wall for this traffic, and whether it stands before the first other wall in
// d. The wire demands in d belong to the measured path and are left out. A
// nominal speed is L1, so every frame counts 24 bytes more than its L2 size;
// real links lose a little more to flow control and to other traffic.
func OnLink(t Traffic, nominalBitsPerSec float64, d Demands) (LinkWall, error) {
	if !(nominalBitsPerSec > 0) || math.IsInf(nominalBitsPerSec, 1) {
		return LinkWall{}, fmt.Errorf("%w: link speed is %v bit/s, want a finite number > 0", ErrBadDemand, nominalBitsPerSec)
	}
	if err := d.Validate(); err != nil {
		return LinkWall{}, err
	}
	in, assumedIn, err := l1Bytes("in", t.BytesPerTxIn, t.PacketsPerTxIn)
	if err != nil {
		return LinkWall{}, err
	}
	out, assumedOut, err := l1Bytes("out", t.BytesPerTxOut, t.PacketsPerTxOut)
	if err != nil {
		return LinkWall{}, err
	}
	w := LinkWall{NominalBitsPerSec: nominalBitsPerSec, Direction: "in", Wall: Wire, FramesAssumed: assumedIn || assumedOut}
	busiest := in
	if out > in {
		busiest, w.Direction = out, "out"
	}
	if busiest == 0 {
		return LinkWall{}, fmt.Errorf("%w: no bytes on the wire in either direction; measure the wire before asking what a link carries", ErrBadDemand)
	}
	w.WireTxPerSec = nominalBitsPerSec / (8 * busiest)
	w.BoundTxPerSec = w.WireTxPerSec
	d.WireIn, d.WireOut = nil, nil
	if walls := Walls(d); len(walls) > 0 && walls[0].TxPerSec < w.WireTxPerSec {
		w.BoundTxPerSec, w.Wall = walls[0].TxPerSec, walls[0].Name
	}
	return w, nil
}

// OnLinks is OnLink for 100 Mbit/s, 1 Gbit/s and 10 Gbit/s.
func OnLinks(t Traffic, d Demands) ([]LinkWall, error) {
	walls := make([]LinkWall, 0, len(commonLinksBitsPerSec))
	for _, bits := range commonLinksBitsPerSec {
		w, err := OnLink(t, bits, d)
		if err != nil {
			return nil, err
		}
		walls = append(walls, w)
	}
	return walls, nil
}

// countSlack is how far bytes and frames of one direction may disagree.
const countSlack = 1.05

// l1Bytes is what one transaction occupies on the cable in one direction.
func l1Bytes(direction string, bytes float64, packets *float64) (total float64, assumed bool, err error) {
	if !(bytes >= 0) || math.IsInf(bytes, 1) {
		return 0, false, fmt.Errorf("%w: %v bytes per transaction %s, want a finite number ≥ 0", ErrBadDemand, bytes, direction)
	}
	if packets == nil {
		return bytes + bytes/MaxFrameBytes*L1OverheadBytes, bytes > 0, nil
	}
	p := *packets
	if !(p >= 0) || math.IsInf(p, 1) {
		return 0, false, fmt.Errorf("%w: %v frames per transaction %s, want a finite number ≥ 0, or nil when unknown", ErrBadDemand, p, direction)
	}
	// Bytes and frames are read one after the other: where few frames pass, the
	// last ones may be in one count only. Frames hold no more than they can.
	if bytes > p*MaxFrameBytes && bytes <= p*MaxFrameBytes*countSlack {
		return bytes + bytes/MaxFrameBytes*L1OverheadBytes, true, nil
	}
	if bytes > p*MaxFrameBytes {
		return 0, false, fmt.Errorf("%w: %v bytes in %v frames per transaction %s is %.0f bytes per frame, more than %d: give MTU-1500 figures, not loopback's",
			ErrBadDemand, bytes, p, direction, bytes/p, MaxFrameBytes)
	}
	return max(bytes, p*MinFrameBytes) + p*L1OverheadBytes, false, nil
}

// DisseminationCeiling is the highest rate at which one leader can send every
// transaction of txBytes to all other nodes over its own uplink:
// C / (8 · S · (n-1)) tx/s. It counts payload only. It is +Inf for a single
// node, which sends to nobody, and NaN when an argument makes no sense.
func DisseminationCeiling(uplinkBitsPerSec, txBytes float64, nodes int) float64 {
	if !(uplinkBitsPerSec > 0) || !(txBytes > 0) || nodes < 1 {
		return math.NaN()
	}
	return uplinkBitsPerSec / (8 * txBytes * float64(nodes-1))
}

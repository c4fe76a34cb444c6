package probe

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/chainweir/weir/results"
)

// Count is a number that may be unknown. The zero value is unknown.
type Count struct {
	N     uint64
	Known bool
}

// Known returns a count with a value.
func Known(n uint64) Count { return Count{N: n, Known: true} }

// sub is the increase from an earlier value; unknown when either value is, or
// when the counter went backwards (then it was reset and nothing can be said).
func (c Count) sub(earlier Count) Count {
	if !c.Known || !earlier.Known || c.N < earlier.N {
		return Count{}
	}
	return Known(c.N - earlier.N)
}

// String is the number, or "unknown".
func (c Count) String() string {
	if !c.Known {
		return "unknown"
	}
	return strconv.FormatUint(c.N, 10)
}

// MarshalJSON writes the number, or null when it is unknown.
func (c Count) MarshalJSON() ([]byte, error) { return json.Marshal(c.pointer()) }

func (c Count) pointer() *int64 {
	if !c.Known {
		return nil
	}
	return new(int64(min(c.N, math.MaxInt64)))
}

// Direction is one direction of the traffic. All fields only grow.
type Direction struct {
	// Packets are frames on the wire: a segmented packet (GSO, GRO) counts once
	// per segment. Packets without payload (acknowledgements, handshake) are in.
	Packets Count `json:"packets"`
	// L2Bytes of those frames: 14 bytes of Ethernet header and up, without FCS,
	// preamble and gap, without VLAN tags and without padding to 60 bytes.
	L2Bytes Count `json:"l2_bytes"`
	// PayloadBytes are TCP payload. See the source's accuracy for whether
	// retransmitted bytes are in.
	PayloadBytes Count `json:"payload_bytes"`
	// DataPackets are the frames that carry payload.
	DataPackets Count `json:"data_packets"`
	// RetransSegments are segments sent again by the sender of this direction.
	RetransSegments Count `json:"retrans_segments"`
	// CutPackets and CutL2Bytes are the frames and bytes had every segment been
	// cut for an MTU of 1500. Known where the source sees single segments;
	// MTU1500 computes them from the totals otherwise.
	CutPackets Count `json:"cut_packets"`
	CutL2Bytes Count `json:"cut_l2_bytes"`
}

const (
	mtu            = 1500
	ethernetHeader = 14
	// headersIPv4TS and headersIPv6TS are the Ethernet, IP and TCP headers of a
	// data segment with the timestamp option (RFC 7323), which every common
	// stack sends: 66 bytes, so a payload of at most 1448 at MTU 1500.
	headersIPv4TS = ethernetHeader + 20 + 20 + 12
	headersIPv6TS = ethernetHeader + 40 + 20 + 12
)

// MTU1500 is the same traffic as a path with an MTU of 1500 would carry it, in
// frames and layer-2 bytes. Loopback has an MTU of 65536, so its own frames say
// nothing about a network.
//
// Where the source sees segments, each is cut: ceil(payload / MSS) frames with
// MSS = 1500 − IP header − TCP header (1448 for IPv4 with timestamps).
// Where it sees totals only, the data segments are taken as equally long:
//
//	header = (L2Bytes − PayloadBytes) / Packets
//	frames = DataPackets × ceil(PayloadBytes / (DataPackets × MSS))
//	bytes  = L2Bytes + (frames − DataPackets) × header
//
// The true number of frames of n segments with P bytes lies between
// max(n, P / MSS) and n + P / MSS, and so does this one. Frames without payload
// keep their size in both.
func (d Direction) MTU1500() (packets, l2Bytes Count) {
	if d.CutPackets.Known && d.CutL2Bytes.Known {
		return d.CutPackets, d.CutL2Bytes
	}
	if !d.Packets.Known || !d.L2Bytes.Known || !d.PayloadBytes.Known || !d.DataPackets.Known {
		return Count{}, Count{}
	}
	if d.PayloadBytes.N == 0 || d.DataPackets.N == 0 {
		return d.Packets, d.L2Bytes
	}
	if d.Packets.N < d.DataPackets.N || d.L2Bytes.N < d.PayloadBytes.N {
		return Count{}, Count{} // fields that do not belong together
	}
	header := float64(d.L2Bytes.N-d.PayloadBytes.N) / float64(d.Packets.N)
	mss := mtu - (header - ethernetHeader)
	if mss < 1 {
		return Count{}, Count{}
	}
	perSegment := math.Ceil(float64(d.PayloadBytes.N) / (float64(d.DataPackets.N) * mss))
	extra := uint64(perSegment-1) * d.DataPackets.N
	return Known(d.Packets.N + extra), Known(d.L2Bytes.N + uint64(math.Round(float64(extra)*header)))
}

func (d Direction) sub(e Direction) Direction {
	return Direction{
		Packets:         d.Packets.sub(e.Packets),
		L2Bytes:         d.L2Bytes.sub(e.L2Bytes),
		PayloadBytes:    d.PayloadBytes.sub(e.PayloadBytes),
		DataPackets:     d.DataPackets.sub(e.DataPackets),
		RetransSegments: d.RetransSegments.sub(e.RetransSegments),
		CutPackets:      d.CutPackets.sub(e.CutPackets),
		CutL2Bytes:      d.CutL2Bytes.sub(e.CutL2Bytes),
	}
}

// Counters are what a Source has counted since Open, seen from the node.
type Counters struct {
	In  Direction `json:"in"`  // towards the node
	Out Direction `json:"out"` // from the node
	// Exact: every frame was counted. False: L2Bytes and Packets are computed.
	Exact bool `json:"exact"`
	// Lost counts what the probe saw but could not attribute or record. Above 0
	// the counters may be too low.
	Lost Count `json:"lost"`
}

// Sub is what was counted between an earlier Snapshot and c.
func (c Counters) Sub(earlier Counters) Counters {
	return Counters{
		In:    c.In.sub(earlier.In),
		Out:   c.Out.sub(earlier.Out),
		Exact: c.Exact && earlier.Exact,
		Lost:  c.Lost.sub(earlier.Lost),
	}
}

// Record is c in the form that records keep. kind is Source.Kind.
func (c Counters) Record(kind string) results.WireCounters {
	return results.WireCounters{
		Source:     results.NullString(kind),
		Exact:      c.Exact,
		In:         c.In.record(),
		Out:        c.Out.record(),
		LostEvents: c.Lost.pointer(),
	}
}

func (d Direction) record() results.WireDirection {
	packets, bytes := d.MTU1500()
	return results.WireDirection{
		Packets:        d.Packets.pointer(),
		Bytes:          d.L2Bytes.pointer(),
		PayloadBytes:   d.PayloadBytes.pointer(),
		Retransmits:    d.RetransSegments.pointer(),
		PacketsMTU1500: packets.pointer(),
		BytesMTU1500:   bytes.pointer(),
	}
}

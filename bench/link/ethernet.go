package link

// Bytes that an Ethernet frame occupies on the medium beside its content
// (IEEE 802.3): a header of 14, a frame check sequence of 4, a preamble with
// start delimiter of 8 and a gap of 12 bytes. Counters of the kernel show the
// header only.
const (
	EthHeaderBytes = 14
	ethFCSBytes    = 4
	ethGapBytes    = 8 + 12
	// UnseenBytesPerFrame is what every frame takes on the medium and no
	// counter shows: 24 bytes. A nominal rate (layer 1) pays for them, a
	// layer-2 rate leaves them out.
	UnseenBytesPerFrame = ethFCSBytes + ethGapBytes
	minFrameBytes       = 64 // with FCS
)

// Header sizes for TCP over IP, in bytes.
const (
	ipv4HeaderBytes   = 20
	ipv6HeaderBytes   = 40
	tcpHeaderBytes    = 20
	tcpTimestampBytes = 12 // RFC 7323, padded to four bytes
)

// FramesPerSec is how many frames per second an Ethernet link of a nominal
// rate carries. frameBytes counts the FCS, as the standard and RFC 2544 do;
// frames under 64 bytes are padded to that. 10 GbE carries 14 880 952.38
// frames of 64 bytes and 812 743.82 of 1518.
func FramesPerSec(nominalBitsPerSec float64, frameBytes int) float64 {
	return nominalBitsPerSec / (8 * float64(max(frameBytes, minFrameBytes)+ethGapBytes))
}

// L2BitsPerSec is the layer-2 rate that an Ethernet link of a nominal rate
// carries at most, with frames filled to the MTU (in bytes, without any
// Ethernet header): 98.4 % of the nominal rate at MTU 1500.
func L2BitsPerSec(nominalBitsPerSec float64, mtu int) float64 {
	l2 := max(mtu+EthHeaderBytes, minFrameBytes-ethFCSBytes)
	return FramesPerSec(nominalBitsPerSec, l2+ethFCSBytes) * 8 * float64(l2)
}

// TCPPayloadBytes is the TCP payload of a full frame: 1448 bytes at MTU 1500
// over IPv4 with timestamps. 0 when the headers do not fit.
func TCPPayloadBytes(mtu int, ipv6, timestamps bool) int {
	return max(0, mtu-headerBytes(ipv6, timestamps)+EthHeaderBytes)
}

// TCPShare is the part of an Ethernet link's nominal rate that is TCP payload
// at best: 1448 of 1538 bytes, or 94.1 %, at MTU 1500 over IPv4 with
// timestamps.
func TCPShare(mtu int, ipv6, timestamps bool) float64 {
	onMedium := max(mtu+EthHeaderBytes+ethFCSBytes, minFrameBytes) + ethGapBytes
	return float64(TCPPayloadBytes(mtu, ipv6, timestamps)) / float64(onMedium)
}

// headerBytes is what layer 2 carries in each data segment beside its payload.
func headerBytes(ipv6, timestamps bool) int {
	n := EthHeaderBytes + ipv4HeaderBytes + tcpHeaderBytes
	if ipv6 {
		n += ipv6HeaderBytes - ipv4HeaderBytes
	}
	if timestamps {
		n += tcpTimestampBytes
	}
	return n
}

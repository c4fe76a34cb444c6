package ethereum

import "math/big"

// appendBytes appends a byte string in RLP (Ethereum Yellow Paper, appendix B).
func appendBytes(dst, b []byte) []byte {
	if len(b) == 1 && b[0] < 0x80 {
		return append(dst, b[0])
	}
	return append(appendHead(dst, 0x80, len(b)), b...)
}

// appendUint appends a number: its big-endian bytes without leading zeros.
func appendUint(dst []byte, v uint64) []byte {
	var b [8]byte
	n := 0
	for shift := 56; shift >= 0; shift -= 8 {
		if x := byte(v >> shift); x != 0 || n > 0 {
			b[n] = x
			n++
		}
	}
	return appendBytes(dst, b[:n])
}

// appendBig appends a number that is not negative.
func appendBig(dst []byte, v *big.Int) []byte { return appendBytes(dst, v.Bytes()) }

// appendList appends a list whose items are encoded already.
func appendList(dst, items []byte) []byte {
	return append(appendHead(dst, 0xc0, len(items)), items...)
}

// appendHead appends the first byte of a string (base 0x80) or of a list
// (0xc0), with the length behind it when it is long.
func appendHead(dst []byte, base byte, n int) []byte {
	if n < 56 {
		return append(dst, base+byte(n))
	}
	var b [8]byte
	k := 0
	for shift := 56; shift >= 0; shift -= 8 {
		if x := byte(uint64(n) >> shift); x != 0 || k > 0 {
			b[k] = x
			k++
		}
	}
	return append(append(dst, base+55+byte(k)), b[:k]...)
}

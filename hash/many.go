package hash

import "github.com/chainweir/weir/asm/sha256x"

// SHA256Many sets digest i of dst to SHA-256(msgs[i]). Messages may have any
// lengths; dst has len(msgs)×32 bytes, anything else is ErrLength and writes
// nothing. Kernel "sha256_many"; where messages average 512 bytes or more,
// "sha256_many_long", which has the same implementations and obeys what is
// forced for the other.
func SHA256Many(dst []byte, msgs [][]byte) error {
	if err := checkMany(dst, len(msgs)); err != nil {
		return err
	}
	many(pickMany(len(msgs), sampleMean(msgs)), dst, msgs)
	return nil
}

// SHA256Leaves sets digest i of dst to SHA-256(0x00 ‖ msgs[i]), the hash of a
// leaf in RFC 6962 §2.1. Otherwise it is SHA256Many.
func SHA256Leaves(dst []byte, msgs [][]byte) error {
	if err := checkMany(dst, len(msgs)); err != nil {
		return err
	}
	leaves(pickMany(len(msgs), sampleMean(msgs)), dst, msgs)
	return nil
}

// SHA256Records sets digest i of dst to SHA-256(prefix ‖ record i), where src
// holds n records of size bytes back to back and dst has n×32 bytes. Lengths
// that do not fit, or a size under 1, are ErrLength and nothing is written.
// Kernels as for SHA256Many.
func SHA256Records(dst, src []byte, size int, prefix byte) error {
	if err := checkRecords(dst, src, size); err != nil {
		return err
	}
	records(pickMany(len(src)/size, size), dst, src, size, prefix)
	return nil
}

// Which implementation is best for many messages depends on their length too:
// lanes gain most where a message is a few blocks, and the processor's SHA
// instructions where the work around the blocks fades.
const (
	longMean   = 512 // bytes per message from which kernel "sha256_many_long" decides
	meanSample = 64  // messages that stand for the rest, so that looking costs little
)

// pickMany is the implementation for n messages of mean bytes.
func pickMany(n, mean int) int {
	if mean >= longMean {
		return kernelManyLong.Pick(n)
	}
	return kernelMany.Pick(n)
}

// sampleMean is the mean length of the first messages.
func sampleMean(msgs [][]byte) int {
	msgs = msgs[:min(len(msgs), meanSample)]
	sum := 0
	for _, msg := range msgs {
		sum += len(msg)
	}
	return sum / max(1, len(msgs))
}

func many(impl int, dst []byte, msgs [][]byte) {
	if impl >= implOurs {
		sha256x.Many(manyImpls[impl-implOurs], dst, msgs)
		return
	}
	for i, msg := range msgs {
		*digestAt(dst, i) = sum256(impl, msg)
	}
}

func leaves(impl int, dst []byte, msgs [][]byte) {
	if impl >= implOurs {
		sha256x.Prefixed(manyImpls[impl-implOurs], dst, msgs, leafPrefix)
		return
	}
	for i, msg := range msgs {
		*digestAt(dst, i) = sumPrefixed(impl, leafPrefix, msg)
	}
}

func records(impl int, dst, src []byte, size int, prefix byte) {
	if impl >= implOurs {
		sha256x.Records(manyImpls[impl-implOurs], dst, src, size, prefix)
		return
	}
	for i := range len(src) / size {
		*digestAt(dst, i) = sumPrefixed(impl, prefix, src[i*size:][:size])
	}
}

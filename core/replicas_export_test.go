package core

import (
	"encoding/binary"
	"hash/crc32"
)

// WaitDurable waits until a node has a block on disk, or ends.
func WaitDurable(n *Node, height uint64) error { return n.durable.wait(n.ctx, height) }

// ChangeExportHead changes a byte of the hash in an export's last record, and its
// checksum with it.
func ChangeExportHead(file []byte, at int) {
	b := file[len(file)-exportHeadBytes-32:]
	b[exportHeadBytes+at] ^= 1
	crc := crc32.Update(crc32.Checksum(b[:16], castagnoli), castagnoli, b[exportHeadBytes:])
	binary.LittleEndian.PutUint32(b[16:], crc)
}

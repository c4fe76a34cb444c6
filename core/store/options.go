package store

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// Defaults of Options.
const (
	DefaultSegmentBytes   = 256 << 20
	DefaultMaxRecordBytes = 64 << 20
)

// Options say where a log is and whose it is.
type Options struct {
	// Dir is the node's data directory. Open creates it when it is missing.
	Dir string
	// ChainID is the hash of the genesis. Files of another chain are refused.
	// Zero is allowed for reading only and then accepts any one chain.
	ChainID [32]byte
	// FS is the file system; nil means OSFS.
	FS FS
	// SegmentBytes is the size at which a new segment begins; 0 means
	// DefaultSegmentBytes. A record larger than that gets a segment of its own.
	SegmentBytes int64
	// MaxRecordBytes limits the payload of one Append; 0 means
	// DefaultMaxRecordBytes. Larger records that are already there stay readable.
	MaxRecordBytes int
	// ReadOnly opens without writing anything, not even repairs, and shares the
	// directory with other readers, but not with a writer.
	ReadOnly bool
	// Direct says whether records are written past the page cache; the zero
	// value means: where that is possible. Stats tells.
	Direct Direct
}

func (o Options) withDefaults() (Options, error) {
	if o.FS == nil {
		o.FS = OSFS{}
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.MaxRecordBytes == 0 {
		o.MaxRecordBytes = DefaultMaxRecordBytes
	}
	switch {
	case o.Dir == "":
		return o, fmt.Errorf("%w: Dir is empty; name the data directory", ErrOptions)
	case o.SegmentBytes < 2*PageBytes || o.SegmentBytes%PageBytes != 0:
		return o, fmt.Errorf("%w: SegmentBytes is %d; use a multiple of %d, at least %d",
			ErrOptions, o.SegmentBytes, PageBytes, 2*PageBytes)
	case o.MaxRecordBytes < 1 || o.MaxRecordBytes > maxPayloadBytes:
		return o, fmt.Errorf("%w: MaxRecordBytes is %d; the format allows 1 to %d", ErrOptions, o.MaxRecordBytes, maxPayloadBytes)
	case o.Direct > DirectOff:
		return o, fmt.Errorf("%w: %v; use DirectAuto, DirectOn or DirectOff", ErrOptions, o.Direct)
	case o.ChainID == [32]byte{} && !o.ReadOnly:
		return o, fmt.Errorf("%w: ChainID is zero; a log that is written belongs to one chain, set the hash of its genesis", ErrOptions)
	}
	return o, nil
}

// sources are the two things in the files that no caller decides. Tests of the
// format fix them.
type sources struct {
	now   func() time.Time
	nonce func() uint64
}

func systemSources() sources {
	return sources{now: time.Now, nonce: randomNonce}
}

// randomNonce must be unpredictable to whoever submits transactions: it is what
// keeps the image of a record inside a payload from looking like a record.
func randomNonce() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: the runtime stops the program if the system has no randomness
	return binary.LittleEndian.Uint64(b[:])
}

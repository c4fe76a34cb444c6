package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrLogFormat marks an encoded log that cannot be read.
var ErrLogFormat = errors.New("merkle: malformed log")

// logVersion is the first byte of an encoded log.
const logVersion = 1

// AppendBinary appends the log's encoding to dst: a version byte, the length of
// the scheme's name and the name, the size in 8 bytes (big endian), the roots of
// its complete subtrees from the largest on, and the root, which guards the
// rest. It is the same for the same leaves, however they were appended.
func (l *Log) AppendBinary(dst []byte) ([]byte, error) {
	dst = append(dst, logVersion, byte(len(l.scheme.name)))
	dst = append(dst, l.scheme.name...)
	dst = binary.BigEndian.AppendUint64(dst, l.front.size)
	for level := bits.Len64(l.front.size) - 1; level >= 0; level-- {
		if l.front.size>>level&1 == 1 {
			dst = append(dst, l.front.peaks[level][:]...)
		}
	}
	root := l.Root()
	return append(dst, root[:]...), nil
}

// MarshalBinary returns what AppendBinary appends. It never fails.
func (l *Log) MarshalBinary() ([]byte, error) { return l.AppendBinary(nil) }

// DecodeLog reads an encoded log of that scheme, to go on appending to it; sink
// is as for NewLog and must have the nodes so far. It is strict: a log has one
// encoding. ErrLogFormat says what is wrong with data. The root in it guards
// against damage and not against forgery: compare Root with one you trust.
func DecodeLog(scheme *Scheme, data []byte, sink NodeSink) (*Log, error) {
	l, err := NewLog(scheme, sink)
	if err != nil {
		return nil, err
	}
	if len(data) < 2 || data[0] != logVersion {
		return nil, fmt.Errorf("%w: it does not begin with version %d", ErrLogFormat, logVersion)
	}
	if got := min(2+int(data[1]), len(data)); string(data[2:got]) != scheme.name {
		return nil, fmt.Errorf("%w: it is of scheme %q, not %q", ErrLogFormat, data[2:got], scheme.name)
	}
	data = data[2+len(scheme.name):]
	if len(data) < 8 {
		return nil, fmt.Errorf("%w: it is cut short in its size", ErrLogFormat)
	}
	size := binary.BigEndian.Uint64(data)
	if size > MaxLogSize {
		return nil, fmt.Errorf("%w: %w", ErrLogFormat, checkLogSize(size))
	}
	data = data[8:]
	if want := (bits.OnesCount64(size) + 1) * HashSize; len(data) != want {
		return nil, fmt.Errorf("%w: a log of %d leaves has %d bytes of nodes, this one has %d",
			ErrLogFormat, size, want, len(data))
	}
	l.front.size = size
	for level := bits.Len64(size) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			l.front.peaks[level] = Hash(data)
			data = data[HashSize:]
		}
	}
	if got := l.Root(); got != Hash(data) {
		return nil, fmt.Errorf("%w: its nodes lead to root %x, not to %x; it is damaged", ErrLogFormat, got, data)
	}
	return l, nil
}

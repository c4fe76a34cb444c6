package results

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
)

// digestKey is the summary's last key. It is not part of what it covers.
var digestKey = regexp.MustCompile(`,"sha256":"([0-9a-f]{64})"\}$`)

// digestOf is the sum of the lines so far and of a summary line that has no
// digest yet. sum stays as it is.
func digestOf(sum hash.Hash, line []byte) NullString {
	whole := sha256.New()
	whole.Write(sum.Sum(nil))
	whole.Write(line)
	return NullString(hex.EncodeToString(whole.Sum(nil)))
}

// Digest reads a record and returns the digest that its summary states, empty
// when there is none, and the one that its bytes have.
func Digest(in io.Reader, name string) (stated, found NullString, err error) {
	r := bufio.NewReaderSize(in, 64<<10)
	sum := sha256.New()
	var last []byte
	for {
		line, err := readWhole(r)
		if len(line) > 0 {
			if last != nil {
				sum.Write(last)
			}
			last = line
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", name, err)
		}
	}
	line := bytes.TrimSuffix(last, []byte("\n"))
	m := digestKey.FindSubmatchIndex(line)
	if m == nil {
		return "", "", nil
	}
	stated = NullString(line[m[2]:m[3]])
	bare := append(bytes.Clone(line[:m[0]]), '}')
	return stated, digestOf(sum, bare), nil
}

// readWhole returns the next line with its newline, in memory of its own.
func readWhole(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLineBytes {
			return nil, fmt.Errorf("%w: longer than %d bytes", ErrBadLine, maxLineBytes)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

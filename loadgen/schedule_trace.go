package loadgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of a trace file.
const (
	maxTraceBytes = 64 << 20
	maxTraceRows  = 1 << 20
)

const traceDigest = "#sha256="

func parseTrace(f *form, args string) error {
	f.path = args
	if i := strings.LastIndex(args, traceDigest); i >= 0 {
		f.path, f.digest = args[:i], args[i+len(traceDigest):]
		if sum, err := hex.DecodeString(f.digest); err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("%q is not a SHA-256 digest, give 64 hex digits or leave %s… out", f.digest, traceDigest)
		}
	}
	if f.path == "" {
		return errors.New("no file named, write trace:FILE")
	}
	f.text = Schedule("trace:" + args)
	return nil
}

// readTrace reads the trace's file and completes the form.
func (f *form) readTrace() error {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%w: cannot read the trace: %w", ErrSchedule, err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxTraceBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%w: cannot read the trace: %w", ErrSchedule, err)
	}
	if len(data) > maxTraceBytes {
		return fmt.Errorf("%w: %s is longer than %d bytes, thin the trace", ErrSchedule, f.path, maxTraceBytes)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	if f.digest != "" && !strings.EqualFold(f.digest, digest) {
		return fmt.Errorf("%w: %s has the SHA-256 %s and not %s: it is another trace than the one that was recorded", ErrSchedule, f.path, digest, f.digest)
	}
	p, err := decodeTrace(data)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSchedule, f.path, err)
	}
	f.text = Schedule("trace:" + f.path + traceDigest + digest)
	if f.poisson {
		f.text += ",poisson"
	}
	f.natural = time.Duration(p.endNS)
	f.shape = func(d time.Duration) (curve, error) { return p.cut(d), nil }
	return nil
}

// decodeTrace reads CSV with the header time,rate or time,tx. Times are seconds
// and ascend; the first one is the start. A row's rate holds until the next
// row; a row's transactions are spread evenly until the next. The last row is
// as long as the one before it.
func decodeTrace(data []byte) (*pieces, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = '#', 2, true, true
	head, err := r.Read()
	if err != nil {
		return nil, traceError(err)
	}
	unit := strings.ToLower(strings.TrimSpace(head[1]))
	if first := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[0], "\ufeff"))); first != "time" || unit != "rate" && unit != "tx" {
		return nil, fmt.Errorf("the first line is %q, it must be time,rate (seconds, tx/s) or time,tx (seconds, transactions)", strings.Join(head, ","))
	}
	p := &pieces{}
	var startSec, lastSec, lastValue float64
	for n := 0; ; n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			if n < 2 {
				return nil, fmt.Errorf("%d rows, a trace needs at least 2: the last one is as long as the one before it", n)
			}
			last := p.list[len(p.list)-1].lenNS
			p.addRow(last, lastValue, unit)
			return p, nil
		}
		if err != nil {
			return nil, traceError(err)
		}
		line, _ := r.FieldPos(0)
		sec, err := traceNumber(row[0], line, "time")
		if err != nil {
			return nil, err
		}
		value, err := traceNumber(row[1], line, unit)
		if err != nil {
			return nil, err
		}
		switch {
		case value < 0:
			return nil, fmt.Errorf("line %d: %s %v is below zero", line, unit, value)
		case n >= maxTraceRows:
			return nil, fmt.Errorf("line %d: more than %d rows, thin the trace", line, maxTraceRows)
		case n == 0:
			startSec = sec
		default:
			// From the start, so that the rounding of one row is not carried on.
			length := math.Round((sec-startSec)*1e9) - p.endNS
			if length < 1 {
				return nil, fmt.Errorf("line %d: time %v s does not follow %v s, sort the rows by time and join those of the same time", line, sec, lastSec)
			}
			if sec-startSec > maxDuration.Seconds() {
				return nil, fmt.Errorf("line %d: time %v s is more than %s after the first, %v s", line, sec, maxDuration, startSec)
			}
			p.addRow(length, lastValue, unit)
		}
		lastSec, lastValue = sec, value
	}
}

func (p *pieces) addRow(lenNS, value float64, unit string) {
	if unit == "rate" {
		value *= lenNS / 1e9
	}
	p.add(lenNS, value, 0)
}

func traceNumber(s string, line int, name string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("line %d: %s %q is not a finite number", line, name, s)
	}
	return v, nil
}

// traceError puts a CSV error, which names its line, into our words.
func traceError(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty, its first line must be time,rate or time,tx")
	}
	return fmt.Errorf("not CSV with two columns: %w", err)
}

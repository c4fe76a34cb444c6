package report

import (
	"fmt"

	"github.com/chainweir/weir/results"
)

// wireSum adds up one direction of some trials. ok tells that every one of them
// counted it.
type wireSum struct {
	bytes, payload, packets                 float64
	bytesMTU1500, packetsMTU1500            float64
	okBytes, okPayload, okPackets, ok1500   bool
	retransmits, committed                  float64
	okRetransmits, okPackets1500, okNothing bool
}

func sumWire(trials []results.Trial, of func(*results.WireCounters) *results.WireDirection) wireSum {
	s := wireSum{okBytes: true, okPayload: true, okPackets: true, ok1500: true, okRetransmits: true, okPackets1500: true}
	add := func(to *float64, ok *bool, v *int64) {
		if v == nil {
			*ok = false
			return
		}
		*to += float64(*v)
	}
	for i := range trials {
		t := &trials[i]
		if t.Wire == nil {
			return wireSum{okNothing: true}
		}
		d := of(t.Wire)
		add(&s.bytes, &s.okBytes, d.Bytes)
		add(&s.payload, &s.okPayload, d.PayloadBytes)
		add(&s.packets, &s.okPackets, d.Packets)
		add(&s.bytesMTU1500, &s.ok1500, d.BytesMTU1500)
		add(&s.packetsMTU1500, &s.okPackets1500, d.PacketsMTU1500)
		add(&s.retransmits, &s.okRetransmits, d.Retransmits)
		s.committed += float64(t.Counts.Committed)
	}
	if !(s.committed > 0) {
		return wireSum{okNothing: true}
	}
	return s
}

// wire shows the bytes of a transaction by what they are: the transaction itself,
// what the protocol adds to it, and the headers of its frames.
func (v *view) wire() (Figure, bool) {
	c := &barChart{title: "Bytes on the wire per committed transaction", of: "direction, seen from the node"}
	table := Table{Head: []string{"direction", "transaction B/tx", "protocol B/tx", "headers B/tx", "all B/tx", "frames per tx"}}
	var ends []float64
	retransmits := ""
	for _, d := range []struct {
		name string
		in   bool
		of   func(*results.WireCounters) *results.WireDirection
	}{
		{"in", true, func(w *results.WireCounters) *results.WireDirection { return &w.In }},
		{"out", false, func(w *results.WireCounters) *results.WireDirection { return &w.Out }},
	} {
		s := sumWire(v.knee, d.of)
		if s.okNothing {
			continue
		}
		if s.okRetransmits {
			retransmits += fmt.Sprintf(" Retransmitted %s: %.0f segments.", d.name, s.retransmits)
		}
		for _, form := range []struct {
			name                string
			bytes, packets      float64
			okBytes, okPackets  bool
			differs, isMeasured bool
		}{
			{d.name + ", as counted", s.bytes, s.packets, s.okBytes, s.okPackets, true, true},
			{d.name + ", at MTU 1500", s.bytesMTU1500, s.packetsMTU1500, s.ok1500, s.okPackets1500, s.bytesMTU1500 != s.bytes, false},
		} {
			if !form.okBytes || !form.differs {
				continue
			}
			row, line := v.wireRow(form.name, form.bytes/s.committed, s.payload/s.committed, s.okPayload, d.in)
			frames := unknown
			if form.okPackets {
				frames = fmt.Sprintf("%.3f", form.packets/s.committed)
			}
			c.rows = append(c.rows, row)
			table.Rows = append(table.Rows, append(line, frames))
			ends = append(ends, form.bytes/s.committed)
		}
	}
	if len(c.rows) == 0 {
		return Figure{}, false
	}
	about := "From " + v.source + ": every frame with its 14 bytes of Ethernet header, without checksum and gap."
	if w := &v.sum.Wire; w.Source != "" {
		exact := "estimated"
		if w.Exact {
			exact = "exact"
		}
		about += fmt.Sprintf(" Source: %s (%s).", w.Source, exact)
		if w.TxBytes != nil {
			c.down = []refLine{{*w.TxBytes, inkWall, "encoded transaction " + bytesOr(w.TxBytes)}}
			ends = append(ends, *w.TxBytes)
		}
	}
	c.x = linearAxis("layer-2 bytes per committed transaction (B/tx)", tickRate, ends...)
	return barFigure("wire-bytes", about+retransmits, c, table), true
}

// wireRow divides the bytes of one direction into their classes.
func (v *view) wireRow(name string, bytes, payload float64, okPayload, in bool) (barRow, []string) {
	row := barRow{label: name, value: bytesOr(&bytes)}
	line := []string{name}
	if !okPayload || payload > bytes {
		row.segments = []segment{{"not divided", bytes, ink6, name + ": " + bytesOr(&bytes)}}
		return row, append(line, unknown, unknown, unknown, bytesOr(&bytes))
	}
	tx := 0.0
	if v.sum.Wire.TxBytes != nil && in {
		tx = min(*v.sum.Wire.TxBytes, payload)
	}
	for _, p := range []struct {
		name  string
		value float64
		ink   ink
	}{{"transaction", tx, ink1}, {"protocol around it", payload - tx, ink3}, {"TCP, IP and Ethernet headers", bytes - payload, ink2}} {
		line = append(line, bytesOr(&p.value))
		if p.value > 0 {
			row.segments = append(row.segments, segment{p.name, p.value, p.ink, name + ", " + p.name + ": " + bytesOr(&p.value)})
		}
	}
	if !in || v.sum.Wire.TxBytes == nil {
		line[1] = "-"
	}
	return row, append(line, bytesOr(&bytes))
}

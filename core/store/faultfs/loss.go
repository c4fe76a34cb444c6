package faultfs

import "math/rand/v2"

// Loss says what a power loss does to the changes of a file since its last
// sync. LossAny is what Crash does; the others are one kind of it each, for
// tests that must not leave to chance which they meet.
type Loss int

// The kinds of loss.
const (
	// LossAny draws for each change.
	LossAny Loss = iota
	// LossAll drops every change.
	LossAll
	// LossTorn keeps all changes but of the last write: of that, some of the
	// sectors and not the others.
	LossTorn
	// LossTornSector keeps all changes but of the last write: of that, the
	// sectors up to one that holds new bytes first and old ones behind. Disks
	// promise that this does not happen.
	LossTornSector
	// LossReordered keeps the last write and drops one or more before it.
	LossReordered
	lossCount
)

// String names the loss.
func (l Loss) String() string {
	if l < 0 || l >= lossCount {
		return "unknown loss"
	}
	return [...]string{"any", "all", "torn", "torn sector", "reordered"}[l]
}

// PowerLoss makes a Fault one of the whole machine: see Fault.Power.
type PowerLoss struct {
	Seed uint64
	Loss Loss
	// Hits counts the files to which the loss happened: there is nothing to
	// reorder in a file with one write. It is set when the power goes.
	Hits int
}

// crash is Crash with the lock held.
func (f *FS) crash(p *PowerLoss) {
	image := f.image(newRand(p.Seed), p.Loss, &p.Hits)
	for h := range f.open {
		h.gone = ErrCrashed
	}
	f.mount(image)
}

// remains returns what a loss leaves of a file, and whether it happened.
func (l Loss) remains(disk []byte, ops []change, rng *rand.Rand) (content []byte, hit bool) {
	if l == LossAny {
		return survivors(disk, ops, rng), len(ops) > 0
	}
	content = append([]byte(nil), disk...)
	if l == LossAll {
		return content, len(ops) > 0
	}
	last := len(ops) - 1
	for last >= 0 && ops[last].kind != write {
		last--
	}
	kept := ops
	switch {
	case last < 0:
	case l == LossReordered:
		kept, hit = dropEarlier(ops, last, rng)
	case l == LossTorn:
		kept, hit = tear(ops, last, rng)
	case l == LossTornSector:
		kept, hit = tearSector(ops, last, rng)
	}
	for _, c := range kept {
		content = c.applyTo(content)
	}
	return content, hit
}

// dropEarlier drops at least one write before the last one.
func dropEarlier(ops []change, last int, rng *rand.Rand) (kept []change, hit bool) {
	var writes []int
	for i, c := range ops[:last] {
		if c.kind == write {
			writes = append(writes, i)
		}
	}
	if len(writes) == 0 {
		return ops, false
	}
	must := writes[rng.IntN(len(writes))]
	for i, c := range ops {
		if i == must || i < last && c.kind == write && rng.IntN(2) == 0 {
			continue
		}
		kept = append(kept, c)
	}
	return kept, true
}

// tear keeps a part of the last write's sectors: not none, and not all.
func tear(ops []change, last int, rng *rand.Rand) (kept []change, hit bool) {
	parts := ops[last].sectors()
	if len(parts) < 2 {
		return ops, false
	}
	rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	kept = append(kept, ops[:last]...)
	kept = append(kept, parts[:1+rng.IntN(len(parts)-1)]...)
	return append(kept, ops[last+1:]...), true
}

// tearSector ends the last write within a sector.
func tearSector(ops []change, last int, rng *rand.Rand) (kept []change, hit bool) {
	c := ops[last]
	if len(c.data) < 2 {
		return ops, false
	}
	n := 1 + rng.IntN(len(c.data)-1)
	if (c.off+int64(n))%SectorBytes == 0 {
		n-- // at the edge of a sector nothing is torn
	}
	c.data = c.data[:n]
	kept = append(kept, ops[:last]...)
	if n > 0 {
		kept = append(kept, c)
	}
	return append(kept, ops[last+1:]...), true
}

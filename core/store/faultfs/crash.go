package faultfs

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sort"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5e1f_c0de)) }

// Crash is a power loss followed by a reboot: what was not synced survives in
// part or not at all, as the seed decides, open files return ErrCrashed, and
// locks are gone. Faults and the limit of SetFreeBytes stay.
func (f *FS) Crash(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crash(&PowerLoss{Seed: seed})
}

// Kill ends the process but not the machine, like kill -9: open files return
// ErrCrashed and locks are gone, what was written stays in the cache.
func (f *FS) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for h := range f.open {
		h.gone = ErrCrashed
	}
	f.locks, f.open = map[string]*lockState{}, map[*handle]bool{}
}

// CrashImage returns the file system that a crash with this seed would leave,
// and lets this one go on: a node keeps running while a test looks at what
// would have survived.
func (f *FS) CrashImage(seed uint64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := New()
	g.mount(f.image(newRand(seed), LossAny, new(int)))
	return g
}

// image decides what survives, in an order that depends on names only, and
// counts the files that the loss happened to.
func (f *FS) image(rng *rand.Rand, loss Loss, hits *int) tree {
	names := tree{}
	for name, n := range f.disk {
		names[name] = n
	}
	keep := chance(rng)
	for _, e := range f.pending {
		if rng.Float64() < keep {
			names.apply(e)
		}
	}
	image := tree{}
	copies := map[*inode]*inode{}
	for _, name := range sortedNames(names) {
		if !names.reachable(name) {
			continue
		}
		n := names[name]
		if copies[n] == nil {
			content := n.disk
			if !n.dir {
				var hit bool
				if content, hit = loss.remains(n.disk, n.ops, rng); hit {
					*hits++
				}
			}
			copies[n] = &inode{dir: n.dir, now: content, disk: slices.Clone(content), used: int64(len(content))}
		}
		image[name] = copies[n]
	}
	return image
}

// chance draws how likely a change survives: often none or all of them.
func chance(rng *rand.Rand) float64 {
	switch rng.IntN(4) {
	case 0:
		return 0
	case 1:
		return 1
	}
	return rng.Float64()
}

// reachable reports whether all directories above name exist.
func (t tree) reachable(name string) bool {
	for name != "/" && name != "." {
		name = filepath.Dir(name)
		if n := t[name]; n == nil || !n.dir {
			return false
		}
	}
	return true
}

func sortedNames(t tree) []string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// survivors returns what is left of a file whose changes since the last sync
// were under way: an arbitrary part of them, in sectors, in any order.
func survivors(disk []byte, ops []change, rng *rand.Rand) []byte {
	content := slices.Clone(disk)
	whole, torn := chance(rng), chance(rng)
	var pieces []change
	for _, c := range ops {
		switch {
		case c.kind != write:
			if rng.Float64() < whole {
				pieces = append(pieces, c)
			}
		case rng.Float64() < whole:
			pieces = append(pieces, c.sectors()...)
		default:
			for _, s := range c.sectors() {
				if rng.Float64() < torn {
					pieces = append(pieces, s)
				}
			}
			if rng.IntN(2) == 0 { // the new length without the bytes
				pieces = append(pieces, change{kind: growth, size: c.off + int64(len(c.data))})
			}
		}
	}
	if rng.IntN(2) == 0 {
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	}
	for _, c := range pieces {
		content = c.applyTo(content)
	}
	return content
}

// sectors splits a write where sectors end.
func (c change) sectors() []change {
	var parts []change
	for off, data := c.off, c.data; len(data) > 0; {
		n := min(int64(len(data)), SectorBytes-off%SectorBytes)
		parts = append(parts, change{kind: write, off: off, data: data[:n]})
		off, data = off+n, data[n:]
	}
	return parts
}

// ReadFile returns a file as processes see it.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.now[filepath.Clean(name)]
	if n == nil || n.dir {
		return nil, pathError("read", name, fs.ErrNotExist)
	}
	return slices.Clone(n.now), nil
}

// WriteFile puts a file on the disk, durably, with the directories above it.
// Earlier changes of that name no longer wait for a sync.
func (f *FS) WriteFile(name string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	for dir := filepath.Dir(name); f.now[dir] == nil; dir = filepath.Dir(dir) {
		e := entry{name: dir, node: &inode{dir: true}}
		f.now.apply(e)
		f.disk.apply(e)
	}
	f.pending = slices.DeleteFunc(f.pending, func(e entry) bool { return e.name == name || e.from == name })
	e := entry{name: name, node: &inode{now: slices.Clone(content), disk: slices.Clone(content), used: int64(len(content))}}
	f.now.apply(e)
	f.disk.apply(e)
}

// Corrupt flips the bits of mask in one byte, on the disk and in the cache: bit
// rot. It reports whether the file has that byte.
func (f *FS) Corrupt(name string, off int64, mask byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.now[filepath.Clean(name)]
	if n == nil || off < 0 || off >= int64(len(n.now)) {
		return false
	}
	n.now[off] ^= mask
	if off < int64(len(n.disk)) {
		n.disk[off] ^= mask
	}
	return true
}

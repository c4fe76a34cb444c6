package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/chainweir/weir/hash"
)

// ErrFileLeaf marks a leaf that is not the entry of a file.
var ErrFileLeaf = errors.New("merkle: leaf is not the entry of a file")

// Limits of a directory.
const (
	maxDirFiles  = 1 << 24
	dirReadBytes = 256 << 10 // of each worker
)

// FileEntry is a file as a leaf: its path below the directory, with slashes on
// every system and in UTF-8, and the SHA-256 of its content.
type FileEntry struct {
	Path   string
	SHA256 Hash
}

// Leaf returns the leaf: path ‖ 0x00 ‖ SHA-256(content). No path has a zero
// byte and the digest has a fixed length, so no two entries share a leaf.
func (e FileEntry) Leaf() []byte {
	leaf := make([]byte, 0, len(e.Path)+1+HashSize)
	leaf = append(leaf, e.Path...)
	leaf = append(leaf, 0)
	return append(leaf, e.SHA256[:]...)
}

// ParseFileLeaf reads a leaf back. ErrFileLeaf: nothing that Leaf returns.
func ParseFileLeaf(leaf []byte) (FileEntry, error) {
	at := len(leaf) - HashSize - 1
	if at < 1 || leaf[at] != 0 {
		return FileEntry{}, fmt.Errorf("%w: %d bytes without a path, a zero byte and %d bytes of SHA-256; was the proof made with --dir?",
			ErrFileLeaf, len(leaf), HashSize)
	}
	path := string(leaf[:at])
	if !validFilePath(path) {
		return FileEntry{}, fmt.Errorf("%w: %q is not the path of a file below a directory", ErrFileLeaf, path)
	}
	return FileEntry{Path: path, SHA256: Hash(leaf[at+1:])}, nil
}

func validFilePath(path string) bool {
	return path != "." && fs.ValidPath(path) && strings.IndexByte(path, 0) < 0
}

// Dir says how ReadDir reads a directory.
type Dir struct {
	FS      fs.FS  // os.DirFS of it
	Name    string // what error texts call it
	Workers int    // files read at once; 0: one for each processor
	// Progress, if not nil, is told the bytes of content as they are read, from
	// several goroutines.
	Progress func(bytes int)
}

// ReadDir returns the entries of all regular files of a directory and those
// below it, hidden ones too, in the order of their paths' bytes. Directories
// themselves, and with them empty ones, have no entry; neither have names of
// owners, modes or times.
//
// ErrLeafFile names what has no place in a list of files: a symbolic link, a
// device, a socket, a pipe, a name that is not UTF-8, a file that cannot be
// read or changes meanwhile. Reading ends early with the context's error.
func ReadDir(ctx context.Context, d Dir) ([]FileEntry, error) {
	r := dirReader{Dir: d}
	if err := r.walk(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(r.entries, func(a, b FileEntry) int { return strings.Compare(a.Path, b.Path) })
	workers := resolveWorkers(d.Workers)
	r.bufs = make([][]byte, workers)
	if err := newCrew(workers, r.hashFile).run(ctx, len(r.entries)); err != nil {
		return nil, err
	}
	return r.entries, nil
}

// FindFile returns the index of the file with that path among entries as ReadDir
// returns them.
func FindFile(entries []FileEntry, path string) (uint64, bool) {
	i, ok := slices.BinarySearchFunc(entries, path, func(e FileEntry, path string) int { return strings.Compare(e.Path, path) })
	return uint64(i), ok
}

type dirReader struct {
	Dir
	entries []FileEntry
	bufs    [][]byte // one for each worker
}

// walk lists the files.
func (r *dirReader) walk(ctx context.Context) error {
	return fs.WalkDir(r.FS, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", r.Name, err)
		case err != nil:
			return fmt.Errorf("%w: %s: %w; make it readable, or name another directory", ErrLeafFile, r.Name, err)
		case !fs.ValidPath(path):
			return fmt.Errorf("%w: %s: the name %q is not UTF-8; rename it", ErrLeafFile, r.Name, path)
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			return fmt.Errorf("%w: %s: %s is %s; remove it, or point to a directory of regular files only",
				ErrLeafFile, r.Name, path, kindOf(e.Type()))
		case len(r.entries) == maxDirFiles:
			return fmt.Errorf("%w: %s: more than %d files; split the directory", ErrLeafFile, r.Name, maxDirFiles)
		}
		r.entries = append(r.entries, FileEntry{Path: path})
		return nil
	})
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// hashFile fills in the digest of one entry.
func (r *dirReader) hashFile(ctx context.Context, worker, i int) error {
	e := &r.entries[i]
	if r.bufs[worker] == nil {
		r.bufs[worker] = make([]byte, dirReadBytes)
	}
	f, err := r.FS.Open(e.Path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w; make it readable", ErrLeafFile, r.Name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLeafFile, r.Name, err)
	}
	h := hash.NewSHA256()
	var read int64
	for info.Mode().IsRegular() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %s: %w", r.Name, e.Path, err)
		}
		n, err := f.Read(r.bufs[worker])
		h.Write(r.bufs[worker][:n]) // a hash never returns an error
		read += int64(n)
		if r.Progress != nil {
			r.Progress(n)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrLeafFile, r.Name, err)
		}
	}
	if !info.Mode().IsRegular() || read != info.Size() {
		return fmt.Errorf("%w: %s: %s changed while it was read; try again when nothing writes there", ErrLeafFile, r.Name, e.Path)
	}
	h.Sum(e.SHA256[:0])
	return nil
}

// FileLeaves returns the leaves of entries.
func FileLeaves(entries []FileEntry) [][]byte {
	leaves := make([][]byte, len(entries))
	for i, e := range entries {
		leaves[i] = e.Leaf()
	}
	return leaves
}

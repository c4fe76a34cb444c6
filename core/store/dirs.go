package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Nobody nests directories deeper than this; the limit ends the walk upwards.
const dirDepthMax = 256

// ancestors returns dir and all directories above it, dir first.
func ancestors(dir string) ([]string, error) {
	var all []string
	for d := filepath.Clean(dir); len(all) < dirDepthMax; d = filepath.Dir(d) {
		all = append(all, d)
		if filepath.Dir(d) == d {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: %s has more than %d levels", ErrOptions, dir, dirDepthMax)
}

// makeDirs creates dir and its missing parents, and makes the names of all of
// them durable: of those that exist as well, because an earlier start may have
// been killed between creating a name and syncing it.
func makeDirs(fsys FS, dir string) error {
	levels, err := ancestors(dir)
	if err != nil {
		return err
	}
	missing := 0
	for ; missing < len(levels); missing++ {
		if _, err := fsys.Stat(levels[missing]); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for i := missing - 1; i >= 0; i-- {
		if err := fsys.Mkdir(levels[i], 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for i := len(levels) - 1; i >= 0; i-- {
		// Syncing needs permission to read, which a node need not have on the
		// directories above its own; a file system that is read-only or cannot
		// sync has nothing waiting.
		if err := fsys.SyncDir(levels[i]); err != nil && (i < 2 || !syncRefused(err)) {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// What is compared with. The newest version by number, v1.0.1, is older than
// this one and no longer looked after; a test holds the version to go.mod's.
const (
	cometModule  = "github.com/cometbft/cometbft"
	cometVersion = "v0.40.0"
	// The database that its makers recommend, which is not the default build's.
	// Of the two it was the faster one where this was written.
	cometTags = "pebbledb"
)

const installTimeout = 15 * time.Minute

// peerPrograms are the paths of what CometBFT brings.
type peerPrograms struct {
	node   string // the node
	load   string // loadtime's generator
	report string // loadtime's reader of the block store
}

// packages are those of cometModule, in the order of the fields.
var packages = [...]string{"cmd/cometbft", "test/loadtime/cmd/load", "test/loadtime/cmd/report"}

func programsIn(dir string) (peerPrograms, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return peerPrograms{}, err
	}
	name := func(pkg string) string {
		path := filepath.Join(dir, filepath.Base(pkg))
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		return path
	}
	return peerPrograms{node: name(packages[0]), load: name(packages[1]), report: name(packages[2])}, nil
}

// missing returns why the programs cannot be used; nil when they can. What a
// program was built from is in the program, so no note of it can go stale.
func (p peerPrograms) missing() error {
	for i, path := range []string{p.node, p.load, p.report} {
		info, err := buildinfo.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is not there", path)
		case err != nil:
			return fmt.Errorf("%s is not a Go program: %w", path, err)
		case info.Path != cometModule+"/"+packages[i] || info.Main.Version != cometVersion:
			return fmt.Errorf("%s is %s %s, not %s/%s %s", path, info.Path, info.Main.Version, cometModule, packages[i], cometVersion)
		}
		tags := ""
		for _, s := range info.Settings {
			if s.Key == "-tags" {
				tags = s.Value
			}
		}
		if tags != cometTags {
			return fmt.Errorf("%s was built with the tags %q, not %q", path, tags, cometTags)
		}
	}
	return nil
}

// installPeers returns the programs of the folder, built there if need be.
func installPeers(ctx context.Context, opt options, say io.Writer) (peerPrograms, error) {
	p, err := programsIn(opt.binDir)
	if err != nil {
		return p, usagef("--bin: %w", err)
	}
	why := p.missing()
	if why == nil {
		return p, nil
	}
	dir := filepath.Dir(p.node)
	args := []string{"install", "-tags", cometTags}
	for _, pkg := range packages {
		args = append(args, cometModule+"/"+pkg+"@"+cometVersion)
	}
	command := "GOBIN=" + dir + " go " + strings.Join(args, " ")
	if !opt.install {
		return p, usagef("%w; build it by\n  %s", why, command)
	}
	fmt.Fprintf(say, "%v: building it (minutes the first time)\n  %s\n", why, command)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return p, usagef("--bin: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	var words tail
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOOS=", "GOARCH=")
	cmd.Stdout, cmd.Stderr = &words, &words
	childOf(cmd)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return p, usagef("go install: %w: %s\nBuild it where there is a network, and copy the three programs to %s", err, words.last(), dir)
	}
	if why := p.missing(); why != nil {
		return p, usagef("after go install: %w", why)
	}
	return p, nil
}

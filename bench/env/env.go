package env

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/chainweir/weir/results"
)

// ErrNotSupported reports something that this operating system does not tell.
var ErrNotSupported = errors.New("not supported here")

// Options says what to look at beside the machine itself.
type Options struct {
	// DataDir is an existing folder, the one the block log will be in; empty:
	// no disk is looked at.
	DataDir string
	// MeasureFsync allows some twenty small durable writes in DataDir, for at
	// most two seconds.
	MeasureFsync bool
	// NIC is the name of a network interface, empty: none.
	NIC string
}

// Read returns the fingerprint of this machine and the warnings about it. ctx
// bounds the durable writes; everything else is a few file reads.
func Read(ctx context.Context, opt Options) results.Env {
	env, found := read(ctx, os.DirFS("/"), opt)
	env.Warnings = append(found, Warnings(env)...)
	return env
}

// read returns the fingerprint, and warnings about the reading itself. fsys
// stands for the root of the file system.
func read(ctx context.Context, fsys fs.FS, opt Options) (results.Env, []results.EnvWarning) {
	src := source{fsys}
	var env results.Env
	var found []results.EnvWarning

	c, d := &env.Class, &env.Detail
	c.OS, c.Arch, c.GoVersion = runtime.GOOS, runtime.GOARCH, runtime.Version()
	readCPU(src, c)
	readCores(src, c, d)
	readClock(src, d)
	readSystem(src, c, d)
	c.Virtualisation = virtualisation(src)
	readBuild(d)
	readMore(src, c, d)
	if name, err := os.Hostname(); err == nil {
		d.HostHash = HashHost(name)
	}
	if opt.NIC != "" {
		c.NIC = readNIC(src, opt.NIC)
	}
	if opt.DataDir != "" {
		found = append(found, readDataDir(ctx, src, opt, c, d)...)
	}
	return env, found
}

func readDataDir(ctx context.Context, src source, opt Options, c *results.EnvClass, d *results.EnvDetail) []results.EnvWarning {
	dir, err := filepath.Abs(opt.DataDir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return []results.EnvWarning{{
			Code:   "data_dir",
			Text:   fmt.Sprintf("the data folder cannot be looked at: %v", err),
			Remedy: "create the folder, or name another one",
		}}
	}
	disk := readDisk(src, dir)
	c.Disk = &disk
	d.DiskFreeBytes = diskFree(dir)
	if !opt.MeasureFsync {
		return nil
	}
	m, err := MeasureFsync(ctx, dir)
	if err != nil {
		return []results.EnvWarning{{
			Code:   "fsync_unknown",
			Text:   fmt.Sprintf("durable writes could not be timed: %v", err),
			Remedy: "use a data folder that this user may write to and that has free space",
		}}
	}
	median, most := m.Median.Nanoseconds(), m.Max.Nanoseconds()
	d.FsyncMedianNS, d.FsyncMaxNS = &median, &most
	return nil
}

// HashHost returns a short digest of a host name: records that are published
// can be told apart by machine and do not name it.
func HashHost(name string) string {
	sum := sha256.Sum256([]byte("weir host name\x00" + name))
	return hex.EncodeToString(sum[:8])
}

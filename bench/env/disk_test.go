package env

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chainweir/weir/results"
)

func TestReadDisk(t *testing.T) {
	flash := new(false)
	for dir, want := range map[string]results.EnvDisk{
		"/":                {Device: "nvme0n1", FS: "ext4", MountOptions: "rw,relatime,errors=remount-ro", Scheduler: "none", Rotational: flash},
		"/srv/x":           {Device: "nvme0n1", FS: "ext4", MountOptions: "rw,relatime,errors=remount-ro", Scheduler: "none", Rotational: flash},
		"/tmp":             {FS: "tmpfs", MountOptions: "rw,nosuid,size=1k"},
		"/tmp/a":           {FS: "tmpfs", MountOptions: "rw,nosuid,size=1k"},
		"/tmpfile":         {Device: "nvme0n1", FS: "ext4", MountOptions: "rw,relatime,errors=remount-ro", Scheduler: "none", Rotational: flash},
		"/pool/data":       {Device: "nvme0n1", FS: "btrfs", MountOptions: "rw,noatime,space_cache", Scheduler: "none", Rotational: flash},
		"/with blank/data": {FS: "nfs4", MountOptions: "rw"},
	} {
		if d := cmp.Diff(want, readDisk(source{serverFS()}, dir)); d != "" {
			t.Errorf("%s: %s", dir, d)
		}
	}
}

func TestMountOfTakesTheLastOnOnePoint(t *testing.T) {
	mounts := parseMounts([]string{
		"1 0 8:1 / /data rw - ext4 /dev/a rw",
		"2 1 8:2 / /data rw - xfs /dev/b rw",
		"not a mount", "3 1 8:3 / /x rw",
	})
	if len(mounts) != 2 {
		t.Errorf("%+v", mounts)
	}
	if m, ok := mountOf(mounts, "/data/x"); !ok || m.fs != "xfs" {
		t.Errorf("%+v", m)
	}
	if m, ok := mountOf(mounts, "/else"); ok {
		t.Errorf("%+v", m)
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`/a\040b`: "/a b", `\134`: `\`, `plain`: "plain", `cut\04`: `cut\04`, `\999`: `\999`,
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestMeasureFsync(t *testing.T) {
	dir := t.TempDir()
	m, err := MeasureFsync(context.Background(), dir)
	if err != nil || m.Writes < 1 || m.Writes > fsyncWrites || m.Median <= 0 || m.Max < m.Median {
		t.Errorf("%+v %v", m, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := MeasureFsync(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if _, err := MeasureFsync(context.Background(), filepath.Join(dir, "none")); err == nil {
		t.Error("a missing folder")
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{1, 2, 9}); got != 2 {
		t.Error(got)
	}
	if got := median([]time.Duration{1, 2, 4, 9}); got != 3 {
		t.Error(got)
	}
}

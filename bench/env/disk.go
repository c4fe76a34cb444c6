package env

import (
	"path"
	"strings"

	"github.com/chainweir/weir/results"
)

// readDisk returns the device and the file system behind the absolute path dir.
// The device is the whole disk, as the kernel calls it ("vda", "nvme0n1"),
// because that is what has a queue and busy time.
func readDisk(src source, dir string) results.EnvDisk {
	m, ok := mountOf(parseMounts(src.lines("proc/self/mountinfo")), dir)
	if !ok {
		return results.EnvDisk{}
	}
	disk := results.EnvDisk{
		FS:           results.NullString(m.fs),
		MountOptions: results.NullString(joinOptions(m.options, m.superOptions)),
	}
	name, ok := blockDevice(src, m)
	if !ok {
		return disk
	}
	disk.Device = results.NullString(name)
	queue := "sys/class/block/" + name + "/queue/"
	if t, ok := src.text(queue + "scheduler"); ok {
		disk.Scheduler = results.NullString(chosen(t))
	}
	disk.Rotational = src.flag(queue + "rotational")
	return disk
}

// blockDevice returns the kernel's name of the disk behind a mount. File
// systems that span disks (btrfs) have a device number of their own, so the
// name they were mounted by is tried too; network and memory ones have neither.
func blockDevice(src source, m mount) (string, bool) {
	at, ok := src.link("sys/dev/block/" + m.device)
	if !ok {
		source, isDevice := strings.CutPrefix(m.source, "/dev/")
		if !isDevice {
			return "", false
		}
		if target, linked := src.link("dev/" + source); linked { // /dev/mapper/x → /dev/dm-0
			source = path.Base(target)
		}
		if at, ok = src.link("sys/class/block/" + source); !ok {
			return "", false
		}
	}
	if _, isPartition := src.text(at + "/partition"); isPartition {
		at = path.Dir(at)
	}
	return path.Base(at), true
}

// chosen returns the entry in brackets of a list such as
// "none [mq-deadline] bfq", or the whole when nothing is in brackets.
func chosen(list string) string {
	if _, rest, ok := strings.Cut(list, "["); ok {
		if name, _, ok := strings.Cut(rest, "]"); ok {
			return name
		}
	}
	return list
}

// joinOptions unites the options of the mount and of the file system, each
// once, in order.
func joinOptions(lists ...string) string {
	seen := make(map[string]bool)
	var out []string
	for _, l := range lists {
		for o := range strings.SplitSeq(l, ",") {
			if o != "" && !seen[o] {
				seen[o] = true
				out = append(out, o)
			}
		}
	}
	return strings.Join(out, ",")
}

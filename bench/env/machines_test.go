package env

import (
	"io/fs"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func linkTo(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

// serverFS is a bare-metal machine: two packages of one core with two threads
// each, frequency scaling, an NVMe disk with partitions, a 25 Gbit/s card.
func serverFS() fstest.MapFS {
	const cpu = "sys/devices/system/cpu/"
	m := fstest.MapFS{
		cpu + "online":                                      file("0-3\n"),
		cpu + "smt/active":                                  file("1\n"),
		cpu + "intel_pstate/no_turbo":                       file("0\n"),
		cpu + "cpu0/cpufreq/scaling_governor":               file("powersave\n"),
		"proc/self/status":                                  file("Name:\tweir\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n"),
		"proc/sys/kernel/osrelease":                         file("6.18.0-generic\n"),
		"proc/sys/kernel/version":                           file("#1 SMP\n"),
		"etc/os-release":                                    file("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n"),
		"proc/meminfo":                                      file("MemTotal:       65536000 kB\nMemFree: 5 kB\nMemAvailable:   32768000 kB\n"),
		"proc/loadavg":                                      file("3.50 2.00 1.00 1/99 1234\n"),
		"proc/stat":                                         file("cpu  100 10 50 800 20 5 15 0 30 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nbtime 1700000000\n"),
		"proc/cpuinfo":                                      file("processor\t: 0\nmodel name\t: Some CPU\n"),
		"proc/self/cgroup":                                  file("0::/user.slice\n"),
		"sys/class/dmi/id/product_name":                     file("Server 9\n"),
		"sys/class/net/eth0/speed":                          file("25000\n"),
		"sys/class/net/eth0/mtu":                            file("9000\n"),
		"sys/class/net/eth0/device/driver":                  linkTo("../../../../bus/pci/drivers/ice"),
		"sys/dev/block/259:2":                               linkTo("../../devices/pci0/nvme/nvme0n1/nvme0n1p2"),
		"sys/devices/pci0/nvme/nvme0n1/nvme0n1p2/partition": file("2\n"),
		"sys/devices/pci0/nvme/nvme0n1/queue/scheduler":     file("[none] mq-deadline\n"),
		"sys/devices/pci0/nvme/nvme0n1/queue/rotational":    file("0\n"),
		"sys/class/block/nvme0n1":                           linkTo("../../devices/pci0/nvme/nvme0n1"),
		"sys/class/block/nvme0n1p2":                         linkTo("../../devices/pci0/nvme/nvme0n1/nvme0n1p2"),
		"dev/mapper/data":                                   linkTo("../nvme0n1p2"),
		"proc/self/mountinfo": file(`22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
28 27 0:40 / /tmp rw,nosuid - tmpfs tmpfs rw,size=1k
29 27 0:50 / /pool rw,noatime - btrfs /dev/mapper/data rw,space_cache
30 27 0:60 / /with\040blank rw - nfs4 host:/export rw
31 27 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
`),
		"sys/fs/cgroup/user.slice/cpu.max": file("max 100000\n"),
	}
	for i, pkgCore := range []string{"0\n0", "0\n0", "1\n0", "1\n0"} {
		base := cpu + "cpu" + string(rune('0'+i)) + "/topology/"
		m[base+"physical_package_id"] = file(pkgCore[:1])
		m[base+"core_id"] = file(pkgCore[2:])
	}
	return m
}

package probe

import (
	"errors"
	"strings"
	"syscall"
)

// hook is a kind of place in the kernel, with what it takes to use it.
type hook struct {
	caps   []capability
	kernel string // what the kernel needs to have
	lost   string // what is unknown, or less exact, without it
}

var (
	capBPF      = capability{39, "CAP_BPF"}
	capPerfmon  = capability{38, "CAP_PERFMON"}
	capNetAdmin = capability{12, "CAP_NET_ADMIN"}

	hookTracing = hook{
		[]capability{capBPF, capPerfmon}, "tp_btf programs and socket storage (Linux 5.11)",
		"sockets' counters straight from the kernel: those that close between two listings, and the backlog",
	}
	hookSockops = hook{
		[]capability{capBPF, capPerfmon, capNetAdmin}, "sockops programs on cgroup2 (Linux 5.7)",
		"round trips as TCP measures them, and the last state of closed sockets",
	}
	hookTCX = hook{
		[]capability{capBPF, capNetAdmin}, "the tcx hook (Linux 6.6)",
		"frames per class: only the interface's own totals are then known",
	}
	hookGroup = hook{
		[]capability{capBPF, capNetAdmin}, "cgroup_skb programs on cgroup2 (Linux 5.7)",
		"packets of one control group",
	}
	hookQdisc = hook{
		[]capability{capBPF, capPerfmon}, "tp_btf programs and the qdisc tracepoints (Linux 5.14)",
		"delay of single packets: the mean by Little's law remains",
	}
	hookSoftirq = hook{
		[]capability{capBPF, capPerfmon}, "tp_btf programs (Linux 5.5)",
		"time in softirqs and NAPI polls: their number remains",
	}
	hookSched = hook{
		[]capability{capBPF, capPerfmon}, "tp_btf programs (Linux 5.5)",
		"time that threads wait for a processor",
	}
)

// errNoBTF: the kernel's type information is not there.
var errNoBTF = errors.New("the kernel has no type information (BTF)")

// refuse puts into words why the kernel did not take a program.
func (h hook) refuse(step string, err error, p privileges) Refusal {
	r := refuseEBPF(step, err, p)
	r.Kind, r.Lost = "", h.lost
	var errno syscall.Errno
	errors.As(err, &errno)
	switch {
	case errors.Is(err, errNoBTF):
		r.MissingCaps, r.Reason = nil, "the kernel has no type information (BTF): "+plain(err)
		r.Remedy = "use a kernel with CONFIG_DEBUG_INFO_BTF, with /sys/kernel/btf/vmlinux readable"
	case errors.Is(err, ErrNotSupported) || errno == syscall.ENOSYS:
		r.Reason = "this kernel or build lacks " + h.kernel + ": " + plain(err)
		r.Remedy = "use a newer kernel, little-endian"
	case errno == syscall.EPERM || errno == syscall.EACCES:
		r.MissingCaps = nil
		if p.capEffKnown {
			r.MissingCaps = missingCaps(p.capEff, h.caps)
		}
		r.Reason, r.Remedy = permissionWords(&r, p)
		r.Remedy = strings.ReplaceAll(r.Remedy, "cap_bpf,cap_net_admin+ep", "cap_bpf,cap_perfmon,cap_net_admin+ep")
	}
	return r
}

package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
)

// capability is one Linux capability by its bit in CapEff (capabilities(7)).
type capability struct {
	bit  uint
	name string
}

// ebpfCaps are what loading and attaching the counter needs: CAP_BPF for maps
// and programs, CAP_NET_ADMIN for network programs and for attaching them.
var ebpfCaps = []capability{{39, "CAP_BPF"}, {12, "CAP_NET_ADMIN"}}

// capSysAdmin stands in for CAP_BPF, as it did before Linux 5.8.
const capSysAdmin = 21

// missingCaps are the capabilities of need that a CapEff mask lacks.
func missingCaps(capEff uint64, need []capability) []string {
	var missing []string
	for _, c := range need {
		has := capEff>>c.bit&1 == 1 || c.name == "CAP_BPF" && capEff>>capSysAdmin&1 == 1
		if !has {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// parseCapEff finds the CapEff line of a /proc/PID/status file.
func parseCapEff(r io.Reader) (uint64, error) {
	sc := bufio.NewScanner(io.LimitReader(r, 1<<16))
	for sc.Scan() {
		hex, ok := strings.CutPrefix(sc.Text(), "CapEff:")
		if !ok {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			return 0, fmt.Errorf("probe: CapEff line %q is not a hexadecimal mask: %w", sc.Text(), err)
		}
		return mask, nil
	}
	if err := sc.Err(); err != nil {
		return 0, fmt.Errorf("probe: read capabilities: %w", err)
	}
	return 0, errors.New("probe: no CapEff line: not a /proc/PID/status file")
}

// privileges is what a refused process is allowed, as far as it could be read.
type privileges struct {
	capEff      uint64
	capEffKnown bool
	userNS      bool // inside a user namespace other than the first
}

const (
	ebpfLost     = "exact frames: layer-2 bytes and packets are then computed from the sockets' counters"
	sockDiagLost = "packets, acknowledgements and retransmissions: only payload is then known"
)

// memlockHint is added to every EPERM by the eBPF library. It is about kernels
// before 5.11, none of which gets here (tcx needs 6.6), and sends people the
// wrong way.
const memlockHint = " (MEMLOCK may be too low, consider rlimit.RemoveMemlock)"

// refuseEBPF puts into words why the kernel did not take the program.
func refuseEBPF(step string, err error, p privileges) Refusal {
	r := Refusal{Kind: KindEBPF, Step: step, Lost: ebpfLost, err: err}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		r.Errno = errnoName(errno)
	}
	if p.capEffKnown {
		r.MissingCaps = missingCaps(p.capEff, ebpfCaps)
	}
	switch {
	case errors.Is(err, ErrNotSupported) || errno == syscall.ENOSYS:
		r.MissingCaps = nil
		r.Reason = "this kernel or build has no tcx hook"
		r.Remedy = "use Linux 6.6 or later, little-endian"
	case errno == syscall.EPERM || errno == syscall.EACCES:
		r.Reason, r.Remedy = permissionWords(&r, p)
	case errno == syscall.ENODEV:
		r.MissingCaps = nil
		r.Reason = "the interface is gone"
		r.Remedy = "name an interface that exists in this network namespace"
	case errno == syscall.ENOMEM:
		r.MissingCaps = nil
		r.Reason = "the kernel has no memory for the program or its counters"
		r.Remedy = "raise the memory limit of this control group"
	case errno == syscall.ERANGE || errno == syscall.EBUSY:
		r.MissingCaps = nil
		r.Reason = "the interface's hook is taken: " + plain(err)
		r.Remedy = "remove another program (bpftool net list)"
	default:
		r.MissingCaps = nil
		r.Reason = plain(err)
		r.Remedy = "report it with the kernel version: the program should load on Linux 6.6 and later"
	}
	return r
}

func permissionWords(r *Refusal, p privileges) (reason, remedy string) {
	switch {
	case len(r.MissingCaps) > 0:
		return "not permitted: this process lacks " + strings.Join(r.MissingCaps, " and "),
			"run as root, or once: setcap cap_bpf,cap_net_admin+ep on the binary"
	case p.userNS:
		return "not permitted: the process is root only inside a user namespace, and eBPF needs the machine's root",
			"run outside the user namespace or container, or give the container CAP_BPF and CAP_NET_ADMIN"
	case p.capEffKnown:
		return "not permitted although the capabilities are there: a seccomp filter, a security module or kernel lockdown forbids it, or the kernel's verifier does: " + plain(r.err),
			"allow the bpf system call for this process"
	default:
		return "not permitted, and this process's capabilities could not be read",
			"run as root"
	}
}

// plain is an error's text without the wrong hint.
func plain(err error) string { return strings.ReplaceAll(err.Error(), memlockHint, "") }

// errnoNames: the ones that appear in practice; others show their number.
var errnoNames = map[syscall.Errno]string{
	syscall.EPERM: "EPERM", syscall.EACCES: "EACCES", syscall.EINVAL: "EINVAL",
	syscall.ENOSYS: "ENOSYS", syscall.ENODEV: "ENODEV", syscall.ENOENT: "ENOENT",
	syscall.ENOMEM: "ENOMEM", syscall.EBUSY: "EBUSY", syscall.ERANGE: "ERANGE",
	syscall.E2BIG: "E2BIG", syscall.EEXIST: "EEXIST", syscall.ENOSPC: "ENOSPC",
}

func errnoName(e syscall.Errno) string {
	if n, ok := errnoNames[e]; ok {
		return n
	}
	return fmt.Sprintf("errno %d", uint(e))
}

package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/chainweir/weir/results"
)

// The kinds of source, as records name them.
const (
	KindEBPF     = results.WireEBPF
	KindSockDiag = results.WireSockDiag
	KindApp      = results.WireApp
)

// Errors that Open and the sources wrap.
var (
	// ErrTarget: the target is incomplete or contradicts itself.
	ErrTarget = errors.New("bad probe target")
	// ErrNoSource: every source that was allowed refused; the Report says why.
	ErrNoSource = errors.New("no source can watch this port")
	// ErrClosed: the source was closed.
	ErrClosed = errors.New("the probe is closed")
	// ErrNotSupported: this system cannot do it, with any privilege.
	ErrNotSupported = errors.New("not supported here")
)

// Source counts the traffic of one server port since it was opened.
// Its methods may be called by several goroutines.
type Source interface {
	// Kind is KindEBPF, KindSockDiag or KindApp.
	Kind() string
	// Snapshot reads the counters. During traffic the fields of one snapshot
	// may be apart by the packets in flight between reading them.
	Snapshot() (Counters, error)
	// Close detaches from the kernel and waits for what the source started.
	// It may be called more than once.
	Close() error
}

// Target says what to watch and from where.
type Target struct {
	// Port is the server's TCP port: the node's client port.
	Port uint16
	// Addr is the server's address as it stands in the packets. Unspecified
	// (0.0.0.0, ::) or invalid means every address, and then Iface is needed
	// for ebpf.
	Addr netip.Addr
	// Iface is the interface to watch. Empty: found from Addr, see findIface.
	Iface string
	// NetNS is the file of the network namespace that holds the interface and
	// the sockets, such as /proc/PID/ns/net or /proc/self/fd/N. Empty: the
	// caller's own.
	NetNS string
	// PerspectiveServer: the probe sits on the node's side. False: on the
	// client's side of the link. In and out are the node's in both cases.
	PerspectiveServer bool
	// Force takes one source or fails: KindEBPF, KindSockDiag or KindApp.
	// Empty: the best that works.
	Force string
	// CounterFunc serves the app source: payload bytes the node received and
	// sent so far, as the caller counted them. It must never go backwards.
	CounterFunc func() (in, out uint64)
}

// Report tells how the traffic is watched, and what was given up.
type Report struct {
	Kind string `json:"kind"`
	// Attached names what was put in place, such as "tcx ingress on lo".
	Attached []string `json:"attached"`
	// Refused holds every better source that did not work, best first.
	Refused []Refusal `json:"refused"`
	// Accuracy says in words how far the counters can be off.
	Accuracy string   `json:"accuracy"`
	Warnings []string `json:"warnings"`
}

// Refusal is why a source does not work here.
type Refusal struct {
	Kind string `json:"kind"`
	// Step is what was refused, such as "load program".
	Step string `json:"step"`
	// Errno is the system's error name, such as "EPERM"; empty when the refusal
	// was not the kernel's.
	Errno string `json:"errno,omitempty"`
	// MissingCaps are the capabilities the process lacks for this source.
	MissingCaps []string `json:"missing_caps,omitempty"`
	Reason      string   `json:"reason"`
	Remedy      string   `json:"remedy"`
	// Lost is what the next source cannot give.
	Lost string `json:"lost"`

	err error
}

// Error is the refusal in one line.
func (r Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", r.Kind, r.Step, r.Reason)
	if r.Remedy != "" {
		fmt.Fprintf(&b, "; %s", r.Remedy)
	}
	return b.String()
}

// Unwrap is the kernel's error, or ErrNotSupported, or ErrTarget.
func (r Refusal) Unwrap() error { return r.err }

// opener starts one source. It returns a Refusal as the error where the system
// does not allow it; then the next source is tried.
type opener struct {
	kind string
	open func(Target) (Source, Report, error)
}

var openers = []opener{
	{KindEBPF, openEBPF},
	{KindSockDiag, openSockDiag},
	{KindApp, openApp},
}

// Open starts the best source that works, or the one that Force names. The
// report holds the refusals on failure too. A target that cannot be meant (an
// unknown source, an interface that does not exist) is ErrTarget at once.
func Open(t Target) (Source, Report, error) {
	if err := t.check(); err != nil {
		return nil, Report{}, err
	}
	t.Addr = t.Addr.Unmap()
	refused := []Refusal{} // not nil: an empty list in JSON
	var errs []error
	for _, o := range openers {
		if t.Force != "" && t.Force != o.kind {
			continue
		}
		src, rep, err := o.open(t)
		if err == nil {
			rep.Kind = o.kind
			rep.Refused = refused
			if rep.Warnings == nil {
				rep.Warnings = []string{}
			}
			return src, rep, nil
		}
		var r Refusal
		if !errors.As(err, &r) {
			return nil, Report{Refused: refused}, err
		}
		r.Kind = o.kind
		refused = append(refused, r)
		errs = append(errs, r)
	}
	return nil, Report{Refused: refused}, fmt.Errorf("probe: %w (port %d): %w", ErrNoSource, t.Port, errors.Join(errs...))
}

func (t Target) check() error {
	if t.Port == 0 {
		return fmt.Errorf("probe: %w: port 0; give the port the node listens on", ErrTarget)
	}
	switch t.Force {
	case "", KindEBPF, KindSockDiag, KindApp:
	default:
		return fmt.Errorf("probe: %w: unknown source %q; use %q, %q or %q", ErrTarget, t.Force, KindEBPF, KindSockDiag, KindApp)
	}
	return nil
}

// anyAddr: the target does not say which of the server's addresses.
func (t Target) anyAddr() bool { return !t.Addr.IsValid() || t.Addr.IsUnspecified() }

package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Facts are what one end of the path claims about its interface.
type Facts struct {
	Nominal *NominalLink `json:"nominal"`
	// Shapers of what leaves the interface; nil when unknown.
	Shapers []Shaper `json:"shapers"`
	// Unknown says why something is missing.
	Unknown []string `json:"unknown"`
}

func (f *Facts) unknownf(format string, args ...any) {
	f.Unknown = append(f.Unknown, fmt.Sprintf(format, args...))
}

// FactsOf reads the interface of this namespace that holds an address.
func FactsOf(local netip.Addr) Facts {
	f := Facts{Unknown: []string{}}
	iface, err := ifaceOf(local)
	if err != nil {
		f.unknownf("%v", err)
		return f
	}
	if n, err := Nominal(iface); err != nil {
		f.unknownf("%v", err)
	} else {
		f.Nominal = &n
	}
	if f.Shapers, err = Shapers(iface); err != nil {
		f.Shapers = nil
		f.unknownf("%v", err)
	}
	return f
}

// ifaceOf finds the interface that holds an address.
func ifaceOf(local netip.Addr) (string, error) {
	list, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("link: list the interfaces: %w", err)
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue // gone since
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && sameAddr(p.Addr(), local) {
				return i.Name, nil
			}
		}
	}
	return "", fmt.Errorf("link: %w: none holds the address %v", ErrNoInterface, local)
}

// marshal is the body of a facts frame; what does not fit is left out.
func (f Facts) marshal() []byte {
	b, err := json.Marshal(f)
	if err != nil || len(b) > maxFactsBytes {
		return []byte(`{"unknown":["the facts do not fit a frame"]}`)
	}
	return b
}

// parseFacts reads another machine's words: strings are kept to one line of
// printable characters, numbers that make no sense are an error.
func parseFacts(b []byte) (f Facts, err error) {
	if err := json.Unmarshal(b, &f); err != nil {
		return Facts{}, protocolErrorf("facts do not read: %v", err)
	}
	for i := range f.Unknown {
		f.Unknown[i] = printable(f.Unknown[i])
	}
	for i := range f.Shapers {
		s := &f.Shapers[i]
		if s.RateBitsPerSec <= 0 || s.BurstBytes < 0 {
			return Facts{}, protocolErrorf("a shaper of %g bit/s with a bucket of %g bytes", s.RateBitsPerSec, s.BurstBytes)
		}
		s.Kind, s.Handle, s.Parent, s.Source = printable(s.Kind), printable(s.Handle), printable(s.Parent), printable(s.Source)
	}
	if n := f.Nominal; n != nil {
		if n.MTU < 0 || n.SpeedBitsPerSec != nil && *n.SpeedBitsPerSec <= 0 {
			return Facts{}, protocolErrorf("an interface with an MTU of %d", n.MTU)
		}
		n.L2BitsPerSec = nil
		if n.SpeedBitsPerSec != nil { // what follows from it is not for them to say
			l2 := L2BitsPerSec(*n.SpeedBitsPerSec, n.MTU)
			n.L2BitsPerSec = &l2
		}
		n.printable()
	}
	return f, nil
}

// askFacts asks the server about its end.
func askFacts(ctx context.Context, cfg Config) (f Facts, ends [2]netip.AddrPort, err error) {
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return f, ends, fmt.Errorf("link: connect: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	ends[0], ends[1], _ = tcpEnds(conn)
	if err := conn.SetDeadline(time.Now().Add(ioTimeout)); err != nil {
		return f, ends, err
	}
	_, err = greet(conn, hello{test: testFacts, dir: dirIn, duration: cfg.Duration, maxBytes: cfg.MaxBytes}, cfg.Token)
	if err != nil {
		return f, ends, errors.Join(ctx.Err(), fmt.Errorf("link: %w", err))
	}
	body, err := readFrame(conn, kindFacts)
	if err != nil {
		return f, ends, fmt.Errorf("link: asking for the server's interface: %w", err)
	}
	f, err = parseFacts(body)
	return f, ends, err
}

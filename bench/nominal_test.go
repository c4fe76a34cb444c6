package bench

import (
	"net"
	"net/netip"
	"testing"

	"github.com/chainweir/weir/results"
)

func TestNominalOfLoopback(t *testing.T) {
	name := interfaceTo(netip.MustParseAddrPort("127.0.0.1:7151"))
	i, err := net.InterfaceByName(name)
	if err != nil || i.Flags&net.FlagLoopback == 0 {
		t.Fatalf("127.0.0.1 is reached by %q: %v", name, err)
	}
	l := results.Link{Kind: results.LinkLoopback}
	nominal(&l, name)
	if l.NominalBitsPerSec != nil || l.NominalReason == "" || string(l.Interface) != name {
		t.Errorf("%+v", l)
	}
	// An address of this machine's own is loopback too, whatever has it.
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if ip, valid := netip.AddrFromSlice(n.IP); ok && valid && ip.Unmap().Is4() {
			if got := interfaceTo(netip.AddrPortFrom(ip.Unmap(), 1)); got != name {
				t.Errorf("%s is reached by %q, want %q", n.IP, got, name)
			}
		}
	}
}

func TestNominalIsUnknownInWords(t *testing.T) {
	for _, c := range []struct {
		kind results.NullString
		name string
	}{{results.LinkNetwork, ""}, {results.LinkNetwork, "no-such-interface"}, {results.LinkLoopback, "lo"}} {
		l := results.Link{Kind: c.kind}
		nominal(&l, c.name)
		if l.NominalBitsPerSec != nil || l.NominalReason == "" {
			t.Errorf("%v: %+v", c, l)
		}
	}
	shaped := results.Link{Kind: results.LinkShaped, NominalBitsPerSec: new(2e7)}
	nominal(&shaped, "")
	if *shaped.NominalBitsPerSec != 2e7 || shaped.NominalReason != "" {
		t.Errorf("%+v", shaped)
	}
	for target, want := range map[string]string{"": "lo", "127.0.0.1:1": "lo", "cometbft+http://127.0.0.1:26657": "lo", "nowhere.invalid:1": ""} {
		if got := nicOf(&Config{Target: target}); (got == "") != (want == "") {
			t.Errorf("%q: %q", target, got)
		}
	}
	if got := nicOf(&Config{LinkBits: 1}); got != "" {
		t.Errorf("a shaped link: %q", got)
	}
}

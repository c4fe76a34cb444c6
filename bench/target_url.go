package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Kinds of targets, as their URLs begin.
const (
	KindWeir       = "weir://"
	KindCometBFT   = "cometbft+http://"
	KindEthereum   = "eth+http://"
	KindEthereumWS = "eth+ws://"
)

var targetKinds = []string{KindWeir, KindCometBFT, KindEthereum, KindEthereumWS}

// SplitTarget takes a target's URL apart.
func SplitTarget(url string) (kind, addr string, err error) {
	for _, k := range targetKinds {
		rest, ok := strings.CutPrefix(url, k)
		if !ok {
			continue
		}
		rest = strings.TrimSuffix(rest, "/")
		host, port, err := net.SplitHostPort(rest)
		if err != nil || host == "" {
			return "", "", fmt.Errorf("%q has no host and port, as in %s127.0.0.1:%s", url, k, examplePort(k))
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "", fmt.Errorf("%q: port %q is not a number from 1 to 65535", url, port)
		}
		return k, rest, nil
	}
	return "", "", fmt.Errorf("%q: a target begins with one of %s, as in %s127.0.0.1:%s", url, strings.Join(targetKinds, ", "), KindWeir, examplePort(KindWeir))
}

func examplePort(kind string) string {
	switch kind {
	case KindCometBFT:
		return "26657"
	case KindEthereum:
		return "8545"
	case KindEthereumWS:
		return "8546"
	}
	return "7151"
}

// PeerOptions are for targets that are not weir nodes.
type PeerOptions struct {
	// AllowRemote permits a target that is not on this machine: load harms a
	// network that is shared with others. It needs a bound on the rate, too.
	AllowRemote bool

	TxTemplate string // CometBFT; empty: the kvstore app's, as package cometbft writes it
	TxBytes    int    // of a transaction; 0: 250, or what the template gives
	Async      bool   // CometBFT: broadcast_tx_async

	EthKey      string // private key of the account that pays, hex, or the path of a file with it
	EthAccounts int    // that send, default 256
}

// peerURL tells whether a target's name is the URL of something else than weir.
func peerURL(target string) bool { return strings.Contains(target, "://") }

// checkPeer refuses what must not be loaded. Names are resolved: localhost may
// be anything.
func checkPeer(ctx context.Context, target string, o PeerOptions, maxRate float64) error {
	if !peerURL(target) {
		return nil
	}
	_, addr, err := SplitTarget(target)
	if err != nil {
		return err
	}
	ap, err := resolve(ctx, addr)
	if err != nil {
		return err
	}
	if ap.Addr().IsLoopback() {
		return nil
	}
	switch {
	case !o.AllowRemote:
		return fmt.Errorf("%s is not on this machine (%s): load harms a network that others use; when it is yours, say so with --allow-remote, and bound the rate with --max-rate", target, ap.Addr())
	case maxRate <= 0:
		return fmt.Errorf("%s is not on this machine (%s): bound the rate with --max-rate", target, ap.Addr())
	}
	return nil
}

// resolve returns the address that will be dialled.
func resolve(ctx context.Context, addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = errors.New("it has no address")
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("host %q: %w", host, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	// All that it may be must be loopback for it to count as such.
	for _, ip := range ips {
		if !ip.Unmap().IsLoopback() {
			return netip.AddrPortFrom(ip.Unmap(), uint16(n)), nil
		}
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(n)), nil
}

package link

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ethtool speaks generic netlink: unlike /sys it shows the namespace that asks.
type ethtool struct{ family uint16 }

func openEthtool() (*ethtool, error) {
	f, err := netlink.GenlFamilyGet(unix.ETHTOOL_GENL_NAME)
	if err != nil {
		return nil, err
	}
	return &ethtool{f.ID}, nil
}

// get asks one question about an interface and returns the answer's attributes.
func (e *ethtool) get(cmd uint8, header int, iface string) (map[uint16][]byte, error) {
	req := nl.NewNetlinkRequest(int(e.family), 0)
	req.AddData(&nl.Genlmsg{Command: cmd, Version: unix.ETHTOOL_GENL_VERSION})
	h := nl.NewRtAttr(header|unix.NLA_F_NESTED, nil)
	h.AddRtAttr(unix.ETHTOOL_A_HEADER_DEV_NAME, nl.ZeroTerminated(iface))
	req.AddData(h)
	msgs, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return nil, err
	}
	if len(msgs) == 0 || len(msgs[0]) < nl.SizeofGenlmsg {
		return nil, errors.New("empty answer from ethtool")
	}
	return attributes(msgs[0][nl.SizeofGenlmsg:])
}

// nlaTypeMask is NLA_TYPE_MASK of linux/netlink.h, without the flags.
const nlaTypeMask = 1<<14 - 1

// attributes of one level, by type; of several with one type the last.
func attributes(b []byte) (map[uint16][]byte, error) {
	list, err := nl.ParseRouteAttr(b)
	if err != nil {
		return nil, err
	}
	m := make(map[uint16][]byte, len(list))
	for _, a := range list {
		m[a.Attr.Type&nlaTypeMask] = a.Value
	}
	return m, nil
}

// linkModes returns the speed in Mbit/s and the duplex; ok is false when the
// interface does not tell.
func (e *ethtool) linkModes(iface string) (mbit uint32, duplex uint8, ok bool) {
	m, err := e.get(unix.ETHTOOL_MSG_LINKMODES_GET, unix.ETHTOOL_A_LINKMODES_HEADER, iface)
	if err != nil || len(m[unix.ETHTOOL_A_LINKMODES_SPEED]) != 4 {
		return 0, 0, false
	}
	duplex = unknownDuplex
	if d := m[unix.ETHTOOL_A_LINKMODES_DUPLEX]; len(d) == 1 {
		duplex = d[0]
	}
	return binary.NativeEndian.Uint32(m[unix.ETHTOOL_A_LINKMODES_SPEED]), duplex, true
}

// features returns the names of all offloads that are on.
func (e *ethtool) features(iface string) ([]string, error) {
	m, err := e.get(unix.ETHTOOL_MSG_FEATURES_GET, unix.ETHTOOL_A_FEATURES_HEADER, iface)
	if err != nil {
		return nil, err
	}
	set, err := attributes(m[unix.ETHTOOL_A_FEATURES_ACTIVE])
	if err != nil {
		return nil, err
	}
	bits, err := nl.ParseRouteAttr(set[unix.ETHTOOL_A_BITSET_BITS])
	if err != nil {
		return nil, err
	}
	on := []string{}
	for _, b := range bits {
		bit, err := attributes(b.Value)
		if err != nil {
			return nil, err
		}
		if name := bit[unix.ETHTOOL_A_BITSET_BIT_NAME]; len(name) > 0 {
			on = append(on, unix.ByteSliceToString(name))
		}
	}
	slices.Sort(on)
	return on, nil
}

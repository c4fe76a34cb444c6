package link

// Nominal reads what a network interface of this namespace claims: speed,
// MTU and driver, from /sys/class/net. A speed that means "unknown" and the
// speed of a virtual device are reported as unknown, with the reason. It fails
// with ErrNoInterface when there is no such interface.
func Nominal(iface string) (NominalLink, error) {
	return nominalAt("/sys/class/net", iface)
}

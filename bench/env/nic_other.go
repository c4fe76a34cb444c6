//go:build !linux

package env

// driverByIoctl cannot tell on this system which driver an interface has.
func driverByIoctl(string) string { return "" }

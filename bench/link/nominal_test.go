package link

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sysfs builds a folder that looks like /sys: real devices in "devices", with
// the class folder linking to them.
func sysfs(t *testing.T, iface, bus, driver, speed, mtu string) (class string) {
	t.Helper()
	root := t.TempDir()
	class = filepath.Join(root, "class", "net")
	dev := filepath.Join(root, "devices", bus, "net", iface)
	for _, d := range []string{class, dev} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dev, name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if mtu != "" {
		write("mtu", mtu)
	}
	if speed != "" {
		write("speed", speed)
	}
	if driver != "" {
		drv := filepath.Join(root, "bus", "drivers", driver)
		if err := errors.Join(os.MkdirAll(drv, 0o755), os.MkdirAll(filepath.Join(dev, "device"), 0o755),
			os.Symlink(drv, filepath.Join(dev, "device", "driver"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dev, filepath.Join(class, iface)); err != nil {
		t.Fatal(err)
	}
	return class
}

func TestNominal(t *testing.T) {
	for _, c := range []struct {
		name, bus, driver, speed string
		wantSpeed                float64 // 0: unknown
		wantVirtual              bool
		reason                   string
	}{
		{"gigabit card", "pci0000:00", "igb", "1000", 1e9, false, ""},
		{"hundred gigabit card", "pci0000:00", "mlx5_core", "100000", 100e9, false, ""},
		{"link down prints -1", "pci0000:00", "igb", "-1", 0, false, "unknown"},
		{"16-bit sentinel", "pci0000:00", "igb", "65535", 0, false, "unknown"},
		{"32-bit sentinel", "pci0000:00", "igb", "4294967295", 0, false, "unknown"},
		{"zero", "pci0000:00", "igb", "0", 0, false, "unknown"},
		{"no number", "pci0000:00", "igb", "fast", 0, false, "unknown"},
		{"no speed file", "pci0000:00", "iwlwifi", "", 0, false, "no speed"},
		{"virtio claims a speed", "pci0000:00", "virtio_net", "10000", 0, true, "virtual"},
		{"vmxnet3 always says ten gigabit", "pci0000:00", "vmxnet3", "10000", 0, true, "virtual"},
		{"veth says ten gigabit", "virtual", "", "10000", 0, true, "virtual"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := nominalAt(sysfs(t, "eth0", c.bus, c.driver, c.speed, "1500"), "eth0")
			if err != nil {
				t.Fatal(err)
			}
			if n.Iface != "eth0" || n.MTU != 1500 || n.Driver != c.driver || n.Virtual != c.wantVirtual {
				t.Errorf("got %+v", n)
			}
			if !strings.Contains(n.Reason, c.reason) || (c.reason == "") != (n.Reason == "") {
				t.Errorf("reason %q, want %q in it", n.Reason, c.reason)
			}
			if c.wantSpeed == 0 {
				if n.SpeedBitsPerSec != nil || n.L2BitsPerSec != nil {
					t.Errorf("speed %v and %v are given, want unknown", n.SpeedBitsPerSec, n.L2BitsPerSec)
				}
				return
			}
			if n.SpeedBitsPerSec == nil || *n.SpeedBitsPerSec != c.wantSpeed {
				t.Fatalf("speed %v, want %g", n.SpeedBitsPerSec, c.wantSpeed)
			}
			if want := c.wantSpeed * 1514 / 1538; *n.L2BitsPerSec < want*0.999999 || *n.L2BitsPerSec > want*1.000001 {
				t.Errorf("layer 2 %g, want %g", *n.L2BitsPerSec, want)
			}
		})
	}
}

func TestNominalErrors(t *testing.T) {
	class := sysfs(t, "eth0", "pci0000:00", "igb", "1000", "1500")
	for _, name := range []string{"eth1", "", ".", "..", "../net/eth0", "a/b"} {
		if _, err := nominalAt(class, name); !errors.Is(err, ErrNoInterface) {
			t.Errorf("nominalAt(%q) = %v, want ErrNoInterface", name, err)
		}
	}
	for _, mtu := range []string{"", "many"} {
		if _, err := nominalAt(sysfs(t, "eth0", "pci0000:00", "igb", "1000", mtu), "eth0"); err == nil {
			t.Errorf("MTU %q was accepted", mtu)
		}
	}
}

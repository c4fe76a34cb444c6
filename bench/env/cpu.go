package env

import (
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/chainweir/weir/results"
)

// readCPU fills in what the processor is.
func readCPU(src source, c *results.EnvClass) {
	info := cpuid.CPU
	c.CPUBrand = results.NullString(strings.Join(strings.Fields(info.BrandName), " "))
	if info.VendorID != cpuid.VendorUnknown {
		c.CPUVendor = results.NullString(info.VendorID.String())
	}
	if info.Family != 0 {
		c.CPUFamily, c.CPUModel, c.CPUStepping = int64Ptr(info.Family), int64Ptr(info.Model), int64Ptr(info.Stepping)
	}
	c.CPUFeatures = info.FeatureSet()
	slices.Sort(c.CPUFeatures)

	// arm64 has no brand string: the kernel gives implementer and part numbers,
	// which tell two designs apart.
	lines := src.lines("proc/cpuinfo")
	if c.CPUBrand == "" {
		c.CPUBrand = brandFromCPUInfo(lines)
	}
	if c.CPUVendor == "" {
		if v, ok := value(lines, "CPU implementer"); ok {
			c.CPUVendor = results.NullString("implementer " + v)
		}
	}
}

func brandFromCPUInfo(lines []string) results.NullString {
	for _, key := range []string{"model name", "cpu model", "Model"} {
		if v, ok := value(lines, key); ok {
			return results.NullString(v)
		}
	}
	if part, ok := value(lines, "CPU part"); ok {
		implementer, _ := value(lines, "CPU implementer")
		return results.NullString(strings.TrimSpace(implementer + " part " + part))
	}
	return ""
}

// readClock fills in what changes the speed of the processor while it runs.
func readClock(src source, d *results.EnvDetail) {
	const base = "sys/devices/system/cpu/"
	if v, ok := src.text(base + "cpu0/cpufreq/scaling_governor"); ok {
		d.Governor = results.NullString(v)
	}
	if off := src.flag(base + "intel_pstate/no_turbo"); off != nil {
		on := !*off
		d.Turbo = &on
	} else {
		d.Turbo = src.flag(base + "cpufreq/boost")
	}
	d.SMTActive = src.flag(base + "smt/active")
	if v, ok := src.text("sys/devices/system/clocksource/clocksource0/current_clocksource"); ok {
		d.ClockSource = results.NullString(v)
	}
}

// virtualisation returns a hint at what lies below: the hypervisor, and
// "container" when this process is in one.
func virtualisation(src source) results.NullString {
	var parts []string
	switch {
	case cpuid.CPU.HypervisorVendorID != cpuid.VendorUnknown:
		parts = append(parts, strings.ToLower(cpuid.CPU.HypervisorVendorID.String()))
	case cpuid.CPU.VM():
		parts = append(parts, "unknown hypervisor")
	}
	if product, ok := src.text("sys/class/dmi/id/product_name"); ok && len(parts) > 0 && product != "" {
		parts = append(parts, "("+product+")")
	}
	if inContainer(src) {
		parts = append(parts, "container")
	}
	if len(parts) == 0 && runtime.GOARCH == "amd64" && runtime.GOOS == "linux" {
		// Only here does the processor always say whether there is a
		// hypervisor; elsewhere silence means nothing.
		return "none"
	}
	return results.NullString(strings.Join(parts, " "))
}

func inContainer(src source) bool {
	for _, marker := range []string{".dockerenv", "run/.containerenv"} {
		if _, ok := src.text(marker); ok {
			return true
		}
	}
	for _, l := range src.lines("proc/1/cgroup") {
		for _, word := range []string{"docker", "kubepods", "containerd", "lxc", "libpod"} {
			if strings.Contains(l, word) {
				return true
			}
		}
	}
	return false
}

func int64Ptr(v int) *int64 {
	w := int64(v)
	return &w
}

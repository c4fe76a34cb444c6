package cpu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// Identity says which processor this is. Strings are empty and numbers zero
// where the processor or the operating system does not tell: on arm64 Linux,
// for example, there is usually no brand.
type Identity struct {
	Arch     string   // as in GOARCH
	Vendor   string   // the vendor's own spelling: "AuthenticAMD", "GenuineIntel"
	Brand    string   // marketing name
	Family   int      // CPUID display family
	Model    int      // CPUID display model
	Stepping int      // CPUID stepping
	Features []string // usable instruction-set extensions, sorted, cpuid/v2 names
}

var host = sync.OnceValue(func() Identity {
	c := &cpuid.CPU
	vendor := c.VendorString
	if vendor == "" && c.VendorID != cpuid.VendorUnknown {
		vendor = c.VendorID.String()
	}
	features := c.FeatureSet()
	slices.Sort(features)
	return Identity{
		Arch:     runtime.GOARCH,
		Vendor:   vendor,
		Brand:    strings.TrimSpace(c.BrandName),
		Family:   c.Family,
		Model:    c.Model,
		Stepping: c.Stepping,
		Features: features,
	}
})

// Host returns the identity of the processor the program runs on.
func Host() Identity {
	id := host()
	id.Features = slices.Clone(id.Features)
	return id
}

// Key names the kind of processor in one word. Two machines with equal keys
// may share a calibration: same family, model, stepping and feature set (which
// the operating system or a hypervisor may have cut down).
func (id Identity) Key() string {
	vendor := id.Vendor
	if vendor == "" {
		vendor = "unknown"
	}
	sum := sha256.Sum256([]byte(strings.Join(id.Features, ",")))
	return fmt.Sprintf("%s-%s-%d-%d-%d-%s", id.Arch, strings.ReplaceAll(vendor, " ", "_"),
		id.Family, id.Model, id.Stepping, hex.EncodeToString(sum[:6]))
}

// Missing returns those of the named features that this processor, or its
// operating system, does not offer. Names are those of cpuid/v2 ("SHA",
// "AVX512F", on arm64 "SHA2"); a name it does not know counts as missing.
func Missing(features ...string) []string {
	var missing []string
	for _, name := range features {
		id := cpuid.ParseFeature(name)
		if id == cpuid.UNKNOWN || !cpuid.CPU.Has(id) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Requires is Missing in words, for [Impl.Unavailable]: empty when everything
// is there.
func Requires(features ...string) string {
	missing := Missing(features...)
	if len(missing) == 0 {
		return ""
	}
	return "this processor does not offer " + strings.Join(missing, ", ")
}

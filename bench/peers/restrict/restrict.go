// Package restrict hides features of the processor from this program, weir's
// kernels and most peers alike, to see how they fare on lesser machines.
//
// It has to act before any of them looks. They all ask klauspost/cpuid, most
// while they are initialised. Of the packages whose imports are ready, Go
// initialises the one whose path sorts first; so this package imports nothing
// that cpuid does not import as well. Those that come before it nevertheless are
// github.com/OffchainLabs/hashtree, which has to be left out when anything is
// hidden, and weir's own packages under asm, which must not ask before they are
// called: a test here sees to that. For the same reason the list of features
// comes from the environment: a program that is to hide something starts itself
// again with [Environ].
package restrict

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// variable carries the list from a process to the one that it starts.
const variable = "WEIR_HASHPEERS_WITHOUT"

// groups are the names that a user may give, with the features of cpuid and
// the switches of Go's own library that each stands for.
var groups = []struct {
	name     string
	features []cpuid.FeatureID
	godebug  []string
}{
	{"avx512", []cpuid.FeatureID{
		cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512CD, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.AVX512IFMA,
		cpuid.AVX512VBMI, cpuid.AVX512VBMI2, cpuid.AVX512VNNI, cpuid.AVX512BITALG, cpuid.AVX512VPOPCNTDQ, cpuid.AVX512BF16,
	}, []string{"cpu.avx512f=off", "cpu.avx512bw=off", "cpu.avx512vl=off"}},
	{"sha", []cpuid.FeatureID{cpuid.SHA, cpuid.SHA2}, []string{"cpu.sha=off"}},
	{"avx2", []cpuid.FeatureID{cpuid.AVX2}, []string{"cpu.avx2=off"}},
}

var hidden []string

func init() { hide(os.Getenv(variable)) }

// hide obeys a list of names and ignores what it does not know: [Check] is for
// people.
func hide(list string) {
	for name := range strings.SplitSeq(list, ",") {
		for _, g := range groups {
			if g.name == name {
				cpuid.CPU.Disable(g.features...)
				hidden = append(hidden, name)
			}
		}
	}
	slices.Sort(hidden)
	hidden = slices.Compact(hidden)
}

// Hidden returns what this process hides, sorted: names as in [Environ].
func Hidden() []string { return slices.Clone(hidden) }

// Check returns an error when a name is not one that can be hidden.
func Check(names []string) error {
	for _, name := range names {
		if !slices.Contains(groupNames(), name) {
			return fmt.Errorf("there is no %q to do without; there are %s", name, strings.Join(groupNames(), ", "))
		}
	}
	return nil
}

// Environ returns the environment for a process that is to hide the named
// features: the given one, and settings for this package and for Go's own
// library.
func Environ(environ, names []string) []string {
	list := slices.Clone(environ)
	setting := ""
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, "GODEBUG="); ok {
			setting = value
		}
	}
	return append(list, variable+"="+strings.Join(names, ","), "GODEBUG="+godebug(setting, names))
}

func groupNames() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

// godebug adds the switches for the named features to a setting of GODEBUG.
func godebug(setting string, names []string) string {
	var list []string
	if setting != "" {
		list = append(list, setting)
	}
	for _, g := range groups {
		if slices.Contains(names, g.name) {
			list = append(list, g.godebug...)
		}
	}
	return strings.Join(list, ",")
}

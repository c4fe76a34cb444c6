package report

import (
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// TestWallsInWords: each wall is named with its proof, its measured utilisation.
func TestWallsInWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*results.Summary)
		want   []string
		not    []string
	}{
		{"cpu", func(*results.Summary) {}, []string{
			"first wall cpu: 98% of all cores busy: node 68%, generator 9%, the rest kernel and others",
			"core time 21.2 µs per tx in all: signatures 56% · generator 15% · rest of the machine 15% · kernel tcp 7% · state 6% · others 1% (1420 samples)",
			"next wall disk at 610k tx/s, 6.6× the knee", "generator 9% of the cores, 3.20 µs per tx (shown, never subtracted)",
		}, []string{"fitted", "extrapolated"}},
		{"cpu of a remote node", func(s *results.Summary) {
			s.Utilisation.HostCPU, s.Demand.HostCPU = nil, nil
		}, []string{"first wall cpu: node 68% of its cores", "core time 14.8 µs per tx in the node: signatures 80% · kernel tcp 10% · state 8% · others 2%"}, nil},
		{"serial", func(s *results.Summary) {
			s.Bottleneck, s.Utilisation.Serial = results.WallSerial, new(0.93)
		}, []string{"first wall serial stage execute: busy 93%, 2.00 µs per tx"}, nil},
		{"serial, stage unknown", func(s *results.Summary) {
			s.Bottleneck, s.Utilisation.Serial, s.Demand.SerialStage = results.WallSerial, new(0.93), ""
		}, []string{"first wall serial: busy 93%"}, nil},
		{"wire in", func(s *results.Summary) { *s = behindALink() }, []string{
			"first wall wire (in): 97% of the measured capacity in use, 85.5 µs of it per tx",
			"core time 14.8 µs per tx in the node: signatures 80%",
			"next wall cpu at 65.4k tx/s, 5.7× the knee (61k – 70.2k, fitted over 14 trials, extrapolated to 5.5× the highest)",
		}, nil},
		{"wire out", func(s *results.Summary) { *s = behindALink(); s.Link.Direction = "out" }, []string{"first wall wire (out): 97%"}, nil},
		{"disk", func(s *results.Summary) {
			s.Bottleneck, s.Utilisation.Disk, s.Demand.Disk = results.WallDisk, new(0.99), new(12e-6)
		}, []string{"first wall disk: busy 99%, 12 µs per tx"}, nil},
		{"generator", func(s *results.Summary) { s.Bottleneck = results.WallGenerator }, []string{"first wall generator: 98% of all cores busy"},
			[]string{"generator 9% of the cores"}},
		{"no parts", func(s *results.Summary) { s.Demand.Parts = nil }, []string{"core time 14.8 µs per tx in the node"}, []string{"signatures"}},
		{"unknown", func(s *results.Summary) { *s = unknownRun() }, []string{"first wall unknown"}, []string{"core time", "next wall", "generator"}},
		{"unknown share", func(s *results.Summary) { s.Utilisation.Generator = nil }, nil, []string{"never subtracted"}},
		{"inside the measured range", func(s *results.Summary) { *s = behindALink(); s.Demand.Models[0].Extrapolation = 1.4 },
			[]string{"fitted over 14 trials)"}, []string{"extrapolated"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := onLoopback()
			c.change(&s)
			got := strings.Join(strings.Fields(render(t, machine(), s)), " ")
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("the screen does not say %q:\n%s", w, got)
				}
			}
			for _, w := range c.not {
				if strings.Contains(got, w) {
					t.Errorf("the screen says %q:\n%s", w, got)
				}
			}
		})
	}
}

package report

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/image/font"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/results"
)

// inside checks that a scene keeps all that is written and drawn within its edges.
func inside(t interface{ Errorf(string, ...any) }, name string, s *scene) {
	for _, i := range s.items {
		for _, p := range i.pts {
			if math.IsNaN(p.x+p.y) || p.x < -0.01 || p.x > s.w+0.01 || p.y < -0.01 || p.y > s.h+0.01 {
				t.Errorf("%s: shape %d %q at %v is outside %v × %v", name, i.shape, i.text, p, s.w, s.h)
				return
			}
		}
		if i.shape != shapeText {
			continue
		}
		left, w := i.pts[0].x, textWidth(i.text, i.size)
		switch i.anchor {
		case anchorMiddle:
			left -= w / 2
		case anchorEnd:
			left -= w
		}
		if left < -1 || left+w > s.w+1 || i.pts[0].y < i.size*0.7 {
			t.Errorf("%s: %q (%v px) runs from %.0f to %.0f of %v", name, i.text, i.size, left, left+w, s.w)
		}
	}
}

// Whatever a record's numbers are, figures stay inside their edges and the page is
// made of numbers.
func TestLayoutHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := math.Pow(10, rapid.Float64Range(-3, 9).Draw(t, "scale of rates"))
		value := func(name string, lo, hi float64) *float64 {
			if rapid.IntRange(0, 5).Draw(t, name+" unknown") == 0 {
				return nil
			}
			v := rapid.Float64Range(lo, hi).Draw(t, name)
			return &v
		}
		s := onLoopback()
		s.Trials = nil
		for id := range rapid.IntRange(1, 30).Draw(t, "trials") {
			offered := rapid.Float64Range(0.1, 10).Draw(t, "offered") * scale
			tr := results.TrialShort{
				ID: id + 1, Phase: results.PhaseBisect, OfferedTxPerSec: offered, DurationSec: 1, Verdict: results.VerdictGood,
				CommitP50MS: value("p50", 0, 1e5), CommitP99MS: value("p99", 0, 1e6), Counts: results.Counts{Sent: int64(offered)},
			}
			if v := value("committed", 0, 1); v != nil {
				tr.CommittedTxPerSec = new(*v * offered)
			}
			s.Trials = append(s.Trials, tr)
		}
		s.Knee.LowerTxPerSec = value("lower", 0, scale)
		s.Knee.UpperTxPerSec = value("upper", scale, 2*scale)
		s.Utilisation = results.Utilisation{CPU: value("cpu", 0, 1.2), WireIn: value("wire", 0, 1.1), Disk: value("disk", 0, 1)}
		s.Demand.CPU, s.Demand.WireIn, s.Demand.Disk = value("cpu demand", 0, 1/scale), value("wire demand", 0, 1/scale), value("disk demand", 0, 1e-3/scale)
		s.Bottleneck = results.WallWire
		h, err := Of(results.Record{Summary: &s}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range h.Figures {
			for _, z := range []size{wide, narrow} {
				inside(t, f.ID+" "+z.name, f.chart.draw(z))
			}
		}
		for _, no := range []string{"NaN", "Inf", "%!"} {
			if strings.Contains(string(h.Page), no) {
				t.Errorf("the page says %q", no)
			}
		}
	})
}

func TestFiguresOfARunStayInside(t *testing.T) {
	for _, sum := range []results.Summary{onLoopback(), behindALink()} {
		h := mustReport(t, wholeRecord(t, sum))
		for _, f := range h.Figures {
			for _, z := range []size{wide, narrow} {
				inside(t, f.ID+" "+z.name, f.chart.draw(z))
			}
		}
	}
}

// An axis keeps the order of values, holds them all, and names its ticks apart.
func TestAxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exp := rapid.Float64Range(-2, 9)
		vs := make([]float64, rapid.IntRange(1, 20).Draw(t, "values"))
		for i := range vs {
			vs[i] = math.Pow(10, exp.Draw(t, "exponent"))
		}
		for name, a := range map[string]axis{
			"linear": linearAxis("x", tickRate, vs...), "range": rangeAxis("x", tickRate, vs...), "log": logAxis("x", plain, vs...),
		} {
			last := math.Inf(-1)
			sorted := append([]float64{}, vs...)
			for i := range sorted { // insertion sort keeps the test free of what it tests
				for k := i; k > 0 && sorted[k] < sorted[k-1]; k-- {
					sorted[k], sorted[k-1] = sorted[k-1], sorted[k]
				}
			}
			for _, v := range sorted {
				f, ok := a.fraction(v)
				if !ok || f < -1e-9 || f > 1+1e-9 || f < last {
					t.Fatalf("%s axis %v – %v: %v lies at %v %v, after %v", name, a.lo, a.hi, v, f, ok, last)
				}
				last = f
			}
			seen := map[string]bool{}
			for _, k := range a.marks(6) {
				if k.name != "" && seen[k.name] || k.name == "-0" {
					t.Fatalf("%s axis %v – %v: two ticks are called %q", name, a.lo, a.hi, k.name)
				}
				seen[k.name] = true
			}
			if len(seen) < 2 {
				t.Fatalf("%s axis %v – %v has ticks %v", name, a.lo, a.hi, seen)
			}
		}
	})
}

// What a text is thought to need is what the font of the PNGs takes, or more.
func TestTextWidth(t *testing.T) {
	c := &canvas{faces: map[faceKey]font.Face{}}
	face, err := c.face(faceKey{12, false})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"committed throughput (tx/s)", "goal: commit p99 below 1.00 s", "WWWMMM", "illi, |.|", "99.999 %", "10k"} {
		is := float64(font.MeasureString(face, text)) / 64 / pngScale
		if thought := textWidth(text, 12); thought < 0.9*is || thought > 1.6*is {
			t.Errorf("%q is %.1f px wide, thought to be %.1f", text, is, thought)
		}
		for room := 0.0; room < 80; room += 7 {
			cut := shorten(text, 12, room)
			if textWidth(cut, 12) > room || !utf8.ValidString(cut) {
				t.Errorf("%q in %v px became %q", text, room, cut)
			}
		}
	}
}

// Dashes cover their share of a line, whatever its bends.
func TestDashes(t *testing.T) {
	line := []point{{0, 0}, {30, 40}, {30, 40}, {130, 40}}
	sum := 0.0
	for _, part := range dashed(line, []float64{6, 4}) {
		for k := 1; k < len(part); k++ {
			sum += math.Hypot(part[k].x-part[k-1].x, part[k].y-part[k-1].y)
		}
	}
	if math.Abs(sum-90) > 1e-6 { // 150 px, 6 of each 10
		t.Errorf("dashes of %v px, want 90", sum)
	}
	if got := dashed(line, nil); len(got) != 1 || len(got[0]) != 4 {
		t.Errorf("a solid line became %v", got)
	}
}

// Inks can be told from the paper and read on it (WCAG 2.2, §1.4.3 and §1.4.11).
func TestContrast(t *testing.T) {
	luminance := func(hex string) float64 {
		var sum float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			var v float64
			for _, digit := range hex[1+2*i : 3+2*i] {
				v = v*16 + float64(strings.IndexRune("0123456789abcdef", digit))
			}
			if v /= 255; v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	for _, k := range inkOrder {
		want := 4.5
		switch k {
		case inkPaper, inkGrid:
			continue // the grid is faint on purpose: every value is in the table too
		case inkAxis:
			want = 3
		}
		for _, pair := range [][2]string{{palette[k].light, palette[inkPaper].light}, {palette[k].dark, palette[inkPaper].dark}} {
			a, b := luminance(pair[0]), luminance(pair[1])
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < want {
				t.Errorf("%s: %s on %s has %.2f:1, want %v:1", k, pair[0], pair[1], ratio, want)
			}
		}
	}
}

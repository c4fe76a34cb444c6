package capacity

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePoints(t *testing.T) {
	for name, c := range map[string]struct {
		text, n, x string
		want       []Point
	}{
		"plain":          {"n,x\n1,2\n3,4.5e3\n", "", "", pts(1, 2, 3, 4500)},
		"other order":    {"x,n\n2,1\n", "", "", pts(1, 2)},
		"two columns":    {"processors,throughput\n1,2\n", "", "", pts(1, 2)},
		"of a sweep":     {"cores,link,x\n1,5,2\n2,5,3\n", "cores", "", pts(1, 2, 2, 3)},
		"chosen":         {"a,b,c\n9,1,2\n", "b", "C", pts(1, 2)},
		"semicolons":     {"n;x\n1;2\n", "", "", pts(1, 2)},
		"tabs":           {"n\tx\n1\t2\n", "", "", pts(1, 2)},
		"excel":          {"\xef\xbb\xbfn,x\r\n1,2\r\n", "", "", pts(1, 2)},
		"comments":       {"# made by hand\n\nN, X\n# cold\n1, 2\n", "", "", pts(1, 2)},
		"size":           {"s,x\n100,372.5\n", "", "", pts(100, 372.5)},
		"no newline":     {"n,x\n1,2", "", "", pts(1, 2)},
		"quoted":         {"\"n\",\"x\"\n\"1\",\"2\"\n", "", "", pts(1, 2)},
		"other columns":  {"n,x,host\n1,2,a\n", "", "", pts(1, 2)},
		"r is what is n": {"r,x\n1,2\n", "", "", pts(1, 2)},
	} {
		got, err := ParsePoints("f.csv", []byte(c.text), c.n, c.x)
		if err != nil || len(got.Points) != len(c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		for i := range c.want {
			if got.Points[i] != c.want[i] {
				t.Errorf("%s: %+v, want %+v", name, got.Points, c.want)
			}
		}
	}
	got, err := ParsePoints("f.csv", []byte("n,x,r\n1,2,.5\n2,3,\n"), "", "")
	if err != nil || got.Points[0].R == nil || *got.Points[0].R != .5 || got.Points[1].R != nil {
		t.Errorf("response times: %+v, %v", got, err)
	}
}

func TestParsePointsErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, n, x, want string }{
		"empty":          {"", "", "", "f.csv is empty"},
		"only header":    {"n,x\n", "", "", "no points"},
		"no header":      {"1,2\n2,3\n", "", "", "f.csv:1: bad points: the first line is numbers"},
		"text":           {"n,x\n1,2\n2,fast\n", "", "", `f.csv:3: bad points: x is "fast"`},
		"NaN":            {"n,x\n1,NaN\n", "", "", `f.csv:2: bad points: x is "NaN"`},
		"infinite":       {"n,x\nInf,1\n", "", "", `f.csv:2: bad points: n is "Inf"`},
		"empty value":    {"n,x\n1,\n", "", "", `x is ""`},
		"negative":       {"n,x\n\n1,-2\n", "", "", "f.csv:3: bad points: x is -2"},
		"zero":           {"n,x\n0,2\n", "", "", "n is 0"},
		"short row":      {"n,x\n1\n", "", "", "f.csv:2: bad points: 1 columns"},
		"no column":      {"a,b,c\n1,2,3\n", "", "", `no column "n"; there are a, b, c`},
		"no such column": {"a,b,c\n1,2,3\n", "z", "b", `no column "z"`},
		"twice":          {"a,b,c\n1,2,3\n", "b", "b", "cannot be both"},
		"no time":        {"n,x,r\n1,2,0\n", "", "", "r is 0"},
		"quote":          {"n,x\n\"1,2\n", "", "", "f.csv"},
		"too many":       {"n,x\n" + strings.Repeat("1,2\n", maxPoints+1), "", "", "more than"},
		"wide":           {"n" + strings.Repeat(",x", maxColumns) + "\n", "", "", "columns, at most"},
	} {
		if got, err := ParsePoints("f.csv", []byte(c.text), c.n, c.x); !errors.Is(err, ErrBadPoints) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.want)
		}
	}
}

// FuzzParsePoints: whatever the text, the points are what a fit may have.
func FuzzParsePoints(f *testing.F) {
	for _, s := range []string{"n,x\n1,2\n", "n;x;r\n1;2;.5\n", "# c\ns\tx\n1\t2\n", "\"n\",x\n1,2", "n,x\n1e309,2\n"} {
		f.Add([]byte(s), "", "")
	}
	f.Add([]byte("a,b,c\n1,2,3\n"), "a", "c")
	f.Fuzz(func(t *testing.T, data []byte, n, x string) {
		table, err := ParsePoints("fuzz", data, n, x)
		if err != nil {
			if !errors.Is(err, ErrBadPoints) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(table.Points) == 0 {
			t.Fatal("no error and no points")
		}
		for _, p := range table.Points {
			if err := p.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/require"
	"github.com/chainweir/weir/hash"
)

// TestMain lets this program be the server's process, too.
func TestMain(m *testing.M) {
	if played, err := PlayServer(os.Stdout); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestEverybodyIsRight lets every contestant of every row do its work once.
func TestEverybodyIsRight(t *testing.T) {
	for _, s := range Specs() {
		t.Run(s.Name, func(t *testing.T) {
			row, err := s.Make()
			if err != nil {
				t.Fatal(err)
			}
			checkRow(t, row)
			for _, c := range row.Contestants {
				switch {
				case c.LeftOut != "":
					t.Logf("%s is left out: %s", c.Name, c.LeftOut)
				case row.LeftOut != "":
					t.Logf("not measured here: %s", row.LeftOut)
				default:
					checkAnswer(t, row, c)
				}
			}
		})
	}
}

func checkAnswer(t *testing.T, row Row, c contest.Contestant) {
	t.Helper()
	want := bytes.Repeat(row.Want, max(1, c.Copies))
	dst := make([]byte, len(want))
	var err error
	if c.Timed != nil {
		took, e := c.Timed(dst)
		if err = e; err == nil && took <= 0 {
			t.Errorf("%s took %v", c.Name, took)
		}
	} else {
		err = c.Run(dst)
	}
	if err != nil || !bytes.Equal(dst, want) {
		t.Errorf("%s: wrong answer (error %v)", c.Name, err)
	}
}

func checkRow(t *testing.T, row Row) {
	t.Helper()
	var names []string
	ours := 0
	for _, c := range row.Contestants {
		if slices.Contains(names, c.Name) {
			t.Errorf("%s takes part twice", c.Name)
		}
		names = append(names, c.Name)
		if c.Role == contest.Ours || c.Role == contest.Control {
			ours++
		}
	}
	if ours != 2 || !slices.Contains(names, Weir) || !slices.Contains(names, WeirAgain) {
		t.Errorf("contestants %v: want %s and its control", names, Weir)
	}
	if row.Items < 1 || row.Item == "" || row.Bytes < 1 || row.Benchmark == "" || len(row.Want) != row.Items*digestSize {
		t.Errorf("incomplete: %d items of %q, %d bytes, benchmark %q, answer of %d bytes", row.Items, row.Item, row.Bytes, row.Benchmark, len(row.Want))
	}
	if row.Kernel != "" && row.Chosen() == "" {
		t.Errorf("kernel %s chooses nothing", row.Kernel)
	}
}

// TestEveryImplementationHasARow: those of kernels that a row is about appear
// in it by themselves, whether they can run here or not.
func TestEveryImplementationHasARow(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Specs() {
		if strings.Contains(s.Name, "cores") {
			continue // those have no implementations
		}
		row, err := s.Make()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range row.Contestants {
			seen[row.Kernel+" "+c.Name] = true
		}
	}
	for _, im := range hash.Implementations() {
		if !slices.Contains(Unknown(), im.Kernel) && !seen[im.Kernel+" "+ownPrefix+im.Name] {
			t.Errorf("%s:%s is in no row", im.Kernel, im.Name)
		}
	}
	if slices.Contains(Unknown(), "sha256_pairs") || slices.Contains(Unknown(), "blake3") {
		t.Errorf("unknown kernels: %v", Unknown())
	}
}

// TestRequiredRowsExist: a figure for a row or a peer that is not there would
// never be judged.
func TestRequiredRowsExist(t *testing.T) {
	figures := require.Zen5Server
	for _, avx512 := range []bool{true, false} {
		for _, sha := range []bool{true, false} {
			figures = append(slices.Clone(figures), require.For(false, avx512, sha).Figures...)
		}
	}
	for _, f := range figures {
		i := slices.IndexFunc(Specs(), func(s Spec) bool { return s.Name == f.Row })
		if i < 0 {
			t.Errorf("there is no row %q", f.Row)
			continue
		}
		row, err := Specs()[i].Make()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(row.Contestants, func(c contest.Contestant) bool { return c.Name == f.Peer }) {
			t.Errorf("row %q has no %q", f.Row, f.Peer)
		}
	}
}

func TestWorkCounts(t *testing.T) {
	for bytes, blocks := range map[int]int{0: 1, 55: 1, 56: 2, 64: 2, 119: 2, 120: 3, 200: 4, 1024: 17} {
		if got := sha256Blocks(bytes); got != blocks {
			t.Errorf("SHA-256 of %d bytes: %d blocks, want %d", bytes, got, blocks)
		}
	}
	for bytes, want := range map[int][2]int{0: {1, 0}, 1: {1, 0}, 64: {1, 0}, 65: {2, 0}, 1024: {16, 0}, 1025: {17, 1}, 1 << 20: {16384, 1023}} {
		if w := blake3Work(bytes); w.BLAKE3Blocks != want[0] || w.BLAKE3Parents != want[1] {
			t.Errorf("BLAKE3 of %d bytes: %+v, want %v", bytes, w, want)
		}
	}
}

func TestRandomSizes(t *testing.T) {
	sizes := randomUpTo(1024, 2048).sizes
	if low, high := slices.Min(sizes), slices.Max(sizes); low < 0 || low > 20 || high > 2048 || high < 2028 || slices.IsSorted(sizes) {
		t.Errorf("1024 sizes from %d to %d, sorted %v", low, high, slices.IsSorted(sizes))
	}
	if !slices.Equal(sizes, randomUpTo(1024, 2048).sizes) {
		t.Error("two runs get different sizes")
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int]string{0: "0 B", 200: "200 B", 1024: "1 KiB", 1500: "1500 B", 65536: "64 KiB", 1 << 20: "1 MiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

// TestServerOutput: what another process says is checked before it is used.
func TestServerOutput(t *testing.T) {
	dst := make([]byte, 64)
	line := func(s serverSays) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	good := line(serverSays{NSPerCall: 5000}) + strings.Repeat("\n", 64)
	took, err := readServer([]byte(good), dst)
	if err != nil || took.Nanoseconds() != 5000 || string(dst) != strings.Repeat("\n", 64) {
		t.Errorf("%v, %v, %q", took, err, dst)
	}
	for name, out := range map[string]string{
		"empty":      "",
		"no JSON":    "panic: no\n",
		"too short":  good[:len(good)-1],
		"too long":   good + "x",
		"its error":  line(serverSays{Error: "no lanes"}),
		"never told": strings.Repeat("x", 100),
	} {
		if _, err := readServer([]byte(out), dst); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestServerOfUnknownRow(t *testing.T) {
	t.Setenv(serverVariable, "sha256_many 1 × 1 B")
	var out bytes.Buffer
	if played, err := PlayServer(&out); !played || err == nil || !strings.Contains(err.Error(), "1 × 1 B") || out.Len() > 0 {
		t.Errorf("played %v, error %v", played, err)
	}
}

// TestTimeServerComparesItsCalls: the digests that it leaves stand for those of
// all calls.
func TestTimeServerComparesItsCalls(t *testing.T) {
	dst := make([]byte, digestSize)
	calls := 0
	if _, err := timeServer(func(dst []byte) error { calls++; dst[3] = 7; return nil }, dst); err != nil || calls < 2 || dst[3] != 7 {
		t.Errorf("%d equal calls: %v, digest %x", calls, err, dst)
	}
	calls = 0
	if _, err := timeServer(func(dst []byte) error {
		calls++
		if calls != 3 { // one call that writes nothing
			dst[3] = 7
		}
		return nil
	}, dst); !errors.Is(err, errServerDiffers) {
		t.Errorf("error %v, want %v", err, errServerDiffers)
	}
	failure := errors.New("broken")
	if _, err := timeServer(func([]byte) error { return failure }, dst); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
}

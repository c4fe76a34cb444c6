//go:build browser

package browser

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// maxPageBytes is what a report may have, so that it can be sent by mail.
const maxPageBytes = 500_000

func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(b.ctx, cmd, params)
	return err
}

func buildWeir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/weir")
	cmd.Dir = filepath.Join("..", "..", "..")
	if words, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, words)
	}
	return path
}

// weir runs the command and fails the test unless it wrote what it should:
// verdicts, good or bad, are none of this test's business.
func weir(t *testing.T, bin string, verdicts []int, args ...string) []byte {
	t.Helper()
	var out, words bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if cmd.ProcessState.ExitCode() == v {
			return out.Bytes()
		}
	}
	t.Fatalf("weir %s: %v: %s", strings.Join(args, " "), err, words.Bytes())
	return nil
}

// benchText is Go benchmark text of runs whose times lie around ns.
func benchText(t *testing.T, path string, ns float64) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"Pairs/n=1024", "Nodes/n=1024", "A/very/long/name=of-a-benchmark-that-no-plot-has-room-for/size=1MiB", "Pipeline"} {
		for run := range 8 {
			fmt.Fprintf(&b, "Benchmark%s-2 1 %.1f ns/op %.1f tx/s %d B/op\n", name, ns+float64(run*run%7), 1e9/ns-float64(run%3), 64)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPages makes the pages with the built program and looks at each in every
// window.
func TestPages(t *testing.T) {
	b := openBrowser(t)
	bin := buildWeir(t)
	dir := t.TempDir()

	example := filepath.Join(dir, "example", "report.html")
	record := filepath.Join("..", "..", "..", "results", "testdata", "record.jsonl")
	if err := os.Mkdir(filepath.Dir(example), 0o755); err != nil {
		t.Fatal(err)
	}
	weir(t, bin, []int{0}, "report", record, "--out", example)

	// A real run of this machine, however good: exit code 3 leaves a report too.
	run := filepath.Join(dir, "run")
	weir(t, bin, []int{0, 3}, "run", "--budget", "15s", "--out", run)

	compared := filepath.Join(dir, "compare", "times.html")
	if err := os.Mkdir(filepath.Dir(compared), 0o755); err != nil {
		t.Fatal(err)
	}
	weir(t, bin, []int{0, 1, 3}, "compare", benchText(t, filepath.Join(dir, "base.txt"), 1000), benchText(t, filepath.Join(dir, "head.txt"), 1070), "--html", compared)

	for _, p := range []struct {
		file    string
		figures int
	}{
		{example, reportFigures(t, bin, record)},
		{filepath.Join(run, "report.html"), reportFigures(t, bin, run)},
		{compared, 3}, // a plot for each unit
	} {
		t.Run(stem(p.file), func(t *testing.T) {
			if info, err := os.Stat(p.file); err != nil || info.Size() >= maxPageBytes {
				t.Errorf("%v, or %d bytes and more", err, maxPageBytes)
			}
			for _, w := range windows {
				findings, figures := b.inspect(t, p.file, w)
				for _, f := range findings {
					t.Errorf("%s: %s", w.name, f)
				}
				if figures != p.figures {
					t.Errorf("%s: %d figures are shown, want %d", w.name, figures, p.figures)
				}
			}
			paper := b.pdf(t, p.file) // of the last window, which is paper
			if sheets := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(paper, -1)); !bytes.HasPrefix(paper, []byte("%PDF-")) || sheets < 1 || sheets > 12 {
				t.Errorf("the print has %d bytes and %d sheets", len(paper), sheets)
			}
		})
	}
}

// reportFigures is how many figures weir says that a report has.
func reportFigures(t *testing.T, bin, record string) int {
	t.Helper()
	var r struct {
		Figures []struct{ Title string } `json:"figures"`
	}
	out := weir(t, bin, []int{0, 3}, "report", record, "--json", "--out", filepath.Join(t.TempDir(), "again.html"))
	if err := json.Unmarshal(out, &r); err != nil || len(r.Figures) < 3 {
		t.Fatalf("%v: %s", err, out)
	}
	return len(r.Figures)
}

// TestInspectFinds holds the check to pages that are wrong in one way each.
func TestInspectFinds(t *testing.T) {
	b := openBrowser(t)
	const good = `<svg viewBox="0 0 200 100" width="200"><title>T</title><desc>Horizontal axis: rate (tx/s). Vertical axis: time (ms).</desc>` +
		`<text x="9" y="90">rate (tx/s)</text><text x="9" y="20">time (ms)</text></svg>`
	swap := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	screen, sheet := windows[2], windows[4]
	for name, c := range map[string]struct {
		body, want string
		w          window
	}{
		"nothing":       {good, "", screen},
		"nothing paper": {good, "", sheet},
		"cut off":       {good + `<div class="scroll" style="overflow-x:auto"><p style="width:900px">wide</p></div>`, "px of a table are cut off", sheet},
		"only scrolls":  {good + `<div class="scroll" style="overflow-x:auto"><p style="width:1900px">wide</p></div>`, "", screen},
		"console":       {good + `<script>console.error("broken", 7)</script>`, `console: "broken" 7`, screen},
		"exception":     {good + `<script>throw new Error("x")</script>`, "exception: ", screen},
		"promise":       {good + `<script>Promise.reject(new Error("x"))</script>`, "exception: ", screen},
		"picture":       {good + `<img src="missing.png" alt="">`, "missing.png", screen},
		"another host":  {good + `<link rel="stylesheet" href="http://127.0.0.1:9/a.css">`, "it asks for http://127.0.0.1:9/a.css", screen},
		"too wide":      {good + `<div class="broad" style="width:1700px">x</div>`, "DIV.broad", screen},
		"no title":      {swap("<title>T</title>", ""), "no title", screen},
		"no axes":       {swap("<desc>", "<desc>It shows this. "), "", screen},
		"axis unnamed":  {swap("Vertical axis: time (ms).", ""), "names no axes", screen},
		"label missing": {swap(`">time (ms)<`, `">time (m…<`), `the axis label "time (ms)" is not written`, screen},
		"no unit":       {strings.ReplaceAll(strings.ReplaceAll(good, " (tx/s)", ""), " (ms)", ""), "no axis has a unit", screen},
		"clipped":       {swap(`x="9" y="20"`, `x="180" y="20"`), "stands outside", screen},
		"tiny":          {swap(`<text x="9" y="20"`, `<text font-size="7" x="9" y="20"`), "is 7.0 px high", screen},
		"pale":          {swap(`<text x="9" y="20"`, `<text fill="#f4f4f4" x="9" y="20"`), "cannot be read", screen},
		"dark":          {good + `<style>html body{background:#111;color:#eee}svg text{fill:#eee}</style>`, "the paper is dark: true", screen},
		"grey ink":      {good + `<style>body{color:#999}</style>`, "cannot be read on", screen},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.html")
			text := `<!DOCTYPE html><html><head><link rel="icon" href="data:,"><style>body{background:#fff}</style></head><body>` + c.body + "</body></html>"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			findings, figures := b.inspect(t, file, c.w)
			all := strings.Join(findings, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) || figures != 1 {
				t.Errorf("%d figures, findings %q, want %q", figures, all, c.want)
			}
		})
	}
}

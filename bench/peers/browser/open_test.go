//go:build browser

package browser

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed look.js
var lookScript string

// browserPath finds a browser, or skips the test.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium or google-chrome in PATH: install one (apt-get install chromium) to check the pages that weir writes")
	return ""
}

// window is one way to look at a page.
type window struct {
	name          string
	width, height int64
	media         string // "" or print
	scheme        string // light or dark
	dark          bool   // the paper that the page should have
}

var windows = []window{
	{"400-light", 400, 900, "", "light", false},
	{"400-dark", 400, 900, "", "dark", true},
	{"1600-light", 1600, 1000, "", "light", false},
	{"1600-dark", 1600, 1000, "", "dark", true},
	// What a printer has of A4, asked for by somebody whose screen is dark: paper is
	// white.
	{"print", 718, 1000, "print", "dark", false},
}

// looked is what look.js returns.
type looked struct {
	Figures int      `json:"figures"`
	Dark    bool     `json:"dark"`
	Light   bool     `json:"light"`
	Wrong   []string `json:"wrong"`
}

// tab is a browser with one page, and what it complained of.
type tab struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it

	mu       sync.Mutex
	findings []string
	requests []string
}

func openBrowser(t *testing.T) *tab {
	t.Helper()
	path := browserPath(t)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.Flag("no-sandbox", true)) // it refuses to start for root with one
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	b := &tab{}
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.event))
	t.Cleanup(cancel)
	for _, err := range []error{
		call(b, network.Enable, network.EnableParams{}), call(b, log.Enable, cdp.Empty{}), call(b, runtime.Enable, cdp.Empty{}),
	} {
		if err != nil {
			t.Fatalf("%s does not start: %v", path, err)
		}
	}
	return b
}

// event runs where the browser's messages are read, in their order: what a page
// does is here before the answer to a later command is.
func (b *tab) event(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			words := make([]string, len(e.Args))
			for i, a := range e.Args {
				words[i] = string(a.Value) + a.Description
			}
			b.findings = append(b.findings, "console: "+strings.Join(words, " "))
		}
	case *runtime.EventExceptionThrown:
		b.findings = append(b.findings, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.findings = append(b.findings, fmt.Sprintf("console: %s: %s", e.Entry.Source, e.Entry.Text))
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// inspect opens the file in window w and returns what is wrong with it, and how
// many figures it shows.
func (b *tab) inspect(t *testing.T, file string, w window) (findings []string, figures int) {
	t.Helper()
	b.mu.Lock()
	b.findings, b.requests = nil, nil
	b.mu.Unlock()
	self := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	if err := call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: w.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: w.scheme}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(w.width, w.height), chromedp.Navigate(self)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	saw, err := chromedp.Run(b.ctx, chromedp.Evaluate[looked](lookScript))
	if err != nil {
		t.Fatalf("%s: look.js: %v", file, err)
	}
	if saw.Dark != w.dark || saw.Light == w.dark {
		saw.Wrong = append(saw.Wrong, fmt.Sprintf("the paper is dark: %v, light: %v", saw.Dark, saw.Light))
	}
	b.keep(t, file, w)
	b.mu.Lock()
	defer b.mu.Unlock()
	findings = append(saw.Wrong, b.findings...)
	for _, r := range b.requests {
		if r != self && !strings.HasPrefix(r, "data:") {
			findings = append(findings, "it asks for "+r)
		}
	}
	if len(b.requests) == 0 {
		findings = append(findings, "no request was seen, not even that for the page")
	}
	return findings, saw.Figures
}

// keep leaves a picture of the page where WEIR_SCREENSHOTS says.
func (b *tab) keep(t *testing.T, file string, w window) {
	t.Helper()
	dir := os.Getenv("WEIR_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("%s: screenshot: %v", file, err)
	}
	leave(t, filepath.Join(dir, stem(file)+"-"+w.name+".png"), picture)
}

// pdf prints the page that is open.
func (b *tab) pdf(t *testing.T, file string) []byte {
	t.Helper()
	const inch = 25.4
	res, err := chromedp.Call(b.ctx, page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 210 / inch, PaperHeight: 297 / inch})
	if err != nil {
		t.Fatalf("%s: print: %v", file, err)
	}
	if dir := os.Getenv("WEIR_SCREENSHOTS"); dir != "" {
		leave(t, filepath.Join(dir, stem(file)+".pdf"), res.Data)
	}
	return res.Data
}

func stem(file string) string {
	return filepath.Base(filepath.Dir(file)) + "-" + strings.TrimSuffix(filepath.Base(file), ".html")
}

func leave(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

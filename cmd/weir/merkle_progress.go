package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
)

// Timing of the bar: work that ends soon shows none.
const (
	progressDelay = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	progressWidth = 18
)

// progressBar shows on a terminal how much of a file or directory was read;
// elsewhere it does nothing. Its goroutine ends with end.
type progressBar struct {
	done  atomic.Int64
	total int64 // bytes, 0 where nobody knows
	name  string
	show  func(line string)
	stop  chan struct{}
	wg    sync.WaitGroup
}

// startProgress begins to show the reading of a file, if w is a terminal.
func startProgress(w io.Writer, name string) *progressBar {
	b := &progressBar{name: name, show: progressLine(w), stop: make(chan struct{})}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		b.total = info.Size()
	}
	if f, ok := w.(*os.File); !ok || !isatty.IsTerminal(f.Fd()) {
		return b
	}
	b.wg.Add(1)
	go b.run(time.Now())
	return b
}

func (b *progressBar) run(begin time.Time) {
	defer b.wg.Done()
	next := time.NewTimer(progressDelay)
	defer next.Stop()
	shown := false
	for {
		select {
		case <-b.stop:
			if shown {
				b.show("")
			}
			return
		case <-next.C:
			b.show(progressText(b.name, b.done.Load(), b.total, time.Since(begin)))
			shown = true
			next.Reset(progressEvery)
		}
	}
}

// end removes the bar.
func (b *progressBar) end() {
	close(b.stop)
	b.wg.Wait()
}

func (b *progressBar) add(bytes int) { b.done.Add(int64(bytes)) }

// reader counts what is read from r.
func (b *progressBar) reader(r io.Reader) io.Reader { return &countingReader{r, b} }

type countingReader struct {
	r io.Reader
	b *progressBar
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.b.add(n)
	return n, err
}

// progressText is a line of at most 80 columns.
func progressText(name string, done, total int64, took time.Duration) string {
	const nameColumns = 20
	if r := []rune(strings.Map(printable, name)); len(r) > nameColumns {
		name = "…" + string(r[len(r)-nameColumns+1:])
	} else {
		name = string(r)
	}
	rate := fmt.Sprintf("%s, %s/s", byteText(float64(done)), byteText(float64(done)/max(took.Seconds(), 1e-3)))
	if total <= 0 || done > total {
		return fmt.Sprintf("reading %s  %s", name, rate)
	}
	full := int(math.Floor(progressWidth * float64(done) / float64(total)))
	return fmt.Sprintf("reading %s  [%s%s] %3d %%  %s", name,
		strings.Repeat("=", full), strings.Repeat(" ", progressWidth-full), 100*done/total, rate)
}

// printable keeps a name on its line.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

func byteText(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			return fmt.Sprintf("%.3g %s", min(n, 999), unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.3g TiB", n)
}

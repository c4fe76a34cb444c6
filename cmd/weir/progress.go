package main

import (
	"io"
	"os"
	"strings"
)

// progressLine returns a function that shows a line in place of the last one,
// on a terminal; elsewhere it does nothing.
func progressLine(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		return func(string) {}
	}
	return func(line string) {
		columns, _ := windowSize(f)
		_, _ = io.WriteString(f, progressFrame(line, columns)) // a terminal that is gone misses nothing
	}
}

// complain writes what went wrong as one line, which on a terminal is broken
// between words.
func complain(w io.Writer, text string) {
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		columns, _ := windowSize(f)
		if columns <= 1 {
			columns = helpColumns
		}
		text = strings.TrimSuffix(wrap(text, columns), "\n")
	}
	_, _ = io.WriteString(w, text+"\n") // there is nobody else to tell
}

// progressFrame writes over the line before, and then clears what is left of it:
// the other way round would flicker. It fits the window (0 columns: unknown), for
// a line that goes on in the next row could not be written over.
func progressFrame(line string, columns int) string {
	if columns <= 1 {
		columns = helpColumns
	}
	return "\r" + clip(strings.Map(printable, line), columns-1) + "\x1b[K"
}

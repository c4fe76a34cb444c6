package workload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of this package, beside Error.
var (
	// ErrInvalid is wrapped by every complaint about a description.
	ErrInvalid = errors.New("invalid workload")
	// ErrChain says that a workload cannot be run with these accounts.
	ErrChain = errors.New("the workload does not fit the chain")
	// ErrUsedUp says that the source cannot give that many valid transactions.
	ErrUsedUp = errors.New("the workload is used up")
	// ErrCorpusFile says that the file of signed transactions failed.
	ErrCorpusFile = errors.New("the file of signed transactions failed")
	// ErrSetup says that the target did not take the set-up.
	ErrSetup = errors.New("the set-up transactions were not committed")
)

// Problem is one thing that is wrong in a file.
type Problem struct {
	Line, Column int    // from 1
	Path         string // of the value, as a JSON Pointer; empty: the whole
	Value        string // as it stands there; empty when there is none
	Text         string // what is wrong
	Remedy       string // what to do
}

// Error says where and what, in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(strings.ReplaceAll(strings.TrimPrefix(p.Path, "/"), "/", ".") + ": ")
	}
	b.WriteString(p.Text)
	if p.Value != "" {
		b.WriteString(": " + p.Value)
	}
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Error is everything that is wrong in a file, in the order of the text.
type Error struct {
	File     string
	Problems []Problem
}

// Error has one line for each problem: file:line:column: what; what to do.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for i := range e.Problems {
		p := &e.Problems[i]
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", e.File, p.Line, p.Column, p.Error()))
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes it an ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

func problem(file string, at pos, path, value, text, remedy string) *Error {
	return &Error{file, []Problem{{at.line, at.column, path, value, text, remedy}}}
}

// sorted puts the problems into the order of the text and leaves out repeats.
func (e *Error) sorted() *Error {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	e.Problems = slices.Compact(e.Problems)
	e.Problems = e.Problems[:min(len(e.Problems), maxProblems)]
	return e
}

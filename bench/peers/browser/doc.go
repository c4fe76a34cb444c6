// Package browser opens the pages that weir writes in a real browser: reports of
// runs, comparisons. It has tests only, behind a build tag, because a browser is
// no part of a machine that builds weir.
//
//	go test -tags browser ./browser
//
// With WEIR_SCREENSHOTS=DIR every page is also left there as PNG and PDF, to be
// looked at: no test sees that a figure is ugly.
package browser

//go:build !unix

package main

import "os"

// windowSize is unknown here.
func windowSize(*os.File) (columns, rows int) { return 0, 0 }

// openFilesLimit is unknown here.
func openFilesLimit() uint64 { return 0 }

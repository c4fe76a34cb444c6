//go:build !linux

package env

import "os"

// dataSync makes f durable; this system has no fdatasync.
func dataSync(f *os.File) error { return f.Sync() }

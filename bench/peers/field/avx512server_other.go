//go:build !(amd64 && gc && !noasm && !appengine)

package field

func serverUnavailable() string { return "it is for amd64 only" }

func newServerJob([][]byte) job { return nil }

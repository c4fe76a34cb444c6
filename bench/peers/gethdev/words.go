package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// hostPort takes the address out of an endpoint such as http://127.0.0.1:8545.
func hostPort(endpoint string) (string, error) {
	addr, ok := strings.CutPrefix(endpoint, "http://")
	if !ok || addr == "" {
		return "", fmt.Errorf("the node listens on %q, which is no http:// address", endpoint)
	}
	return addr, nil
}

// version is that of the go-ethereum in this program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/ethereum/go-ethereum" {
			return m.Version
		}
	}
	return "unknown"
}

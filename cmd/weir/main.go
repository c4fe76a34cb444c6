// Command weir tells how many transactions per second a machine and its
// network can carry, and what stops it going higher.
package main

import (
	"os"

	"github.com/chainweir/weir/bench/netlab"
)

func main() {
	netlab.MaybeRunHolder() // this binary also holds the namespaces of its own labs
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

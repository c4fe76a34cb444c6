// Command weir tells how many transactions per second a machine and its
// network can carry, and what stops it going higher.
package main

import "os"

func main() {
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

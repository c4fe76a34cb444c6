package core_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// nodeConnsEnv limits the connections of a child that is a node.
const nodeConnsEnv = "CORE_TEST_NODE_CONNS"

// The test binary runs itself as a child: a node that can be killed, or one on
// a disk that fills up. The variable names the child's data directory.
const (
	nodeDirEnv = "CORE_TEST_NODE_DIR"
	fullDirEnv = "CORE_TEST_FULL_DIR"
	snapDirEnv = "CORE_TEST_SNAPSHOT_DIR"
	busyDirEnv = "CORE_TEST_BUSY_DIR"
)

func TestMain(m *testing.M) {
	for env, child := range map[string]func(dir string) error{nodeDirEnv: nodeChild, fullDirEnv: fullDiskChild, snapDirEnv: snapshotChild, busyDirEnv: busyChild} {
		if dir := os.Getenv(env); dir != "" {
			if err := child(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	goleak.VerifyTestMain(m)
}

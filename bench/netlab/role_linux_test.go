package netlab_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/netlab"
)

// The roles in which tests start this test binary again, by argv[0].
const (
	roleOwner  = "weir-test-owner"  // opens a lab and a command, waits to be killed
	roleUser   = "weir-test-user"   // an unprivileged user's program
	roleUserIn = "weir-test-userin" // the same, started again in a user namespace
)

// testTimeout bounds every wait in these tests; none of them passes by waiting.
const testTimeout = 30 * time.Second

func runTestRole() {
	var err error
	switch os.Args[0] {
	case roleOwner:
		err = runOwner()
	case roleUser:
		err = runUser()
	case roleUserIn:
		err = crossLab(context.Background())
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runOwner opens a lab, starts one command tied to it and one that is not,
// prints "nodeNS clientNS tiedPID loosePID" and waits to be killed.
func runOwner() error {
	ctx := context.Background()
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: 10_000_000, Name: "owner-test", Partitionable: true})
	if errors.Is(err, netlab.ErrNotPermitted) || errors.Is(err, netlab.ErrKernelFeature) { // no eBPF for this user or kernel
		lab, err = netlab.Open(ctx, netlab.Config{RateBitsPerSec: 10_000_000, Name: "owner-test"})
	}
	if err != nil {
		return err
	}
	tied, loose := sleeper(ctx, lab), sleeper(ctx, lab)
	if err := awaitInside(tied, lab.Start); err != nil {
		return err
	}
	if err := awaitInside(loose, (*exec.Cmd).Start); err != nil {
		return err
	}
	fmt.Println(lab.NSInode(netlab.NodeSide), lab.NSInode(netlab.ClientSide), tied.Process.Pid, loose.Process.Pid)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// sleeper is a command on the node's side that says when it runs and lives
// until it is killed.
func sleeper(ctx context.Context, lab *netlab.Lab) *exec.Cmd {
	return lab.Command(ctx, netlab.NodeSide, "sh", "-c", "echo inside; exec sleep 600")
}

// awaitInside starts a sleeper and waits for its word: a command's process
// exists before it is inside the namespace.
func awaitInside(cmd *exec.Cmd, start func(*exec.Cmd) error) error {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := start(cmd); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "inside\n" {
		return fmt.Errorf("the command said %q, %w", line, err)
	}
	return nil
}

// runUser is a command as it should be written: it asks Check, and starts
// itself again when it has to.
func runUser() error {
	ctx := context.Background()
	err := netlab.Check()
	fmt.Println(err)
	if _, oerr := netlab.Open(ctx, netlab.Config{RateBitsPerSec: 10_000_000}); fmt.Sprint(oerr) != fmt.Sprint(err) {
		return fmt.Errorf("open says %w, check says %w", oerr, err)
	}
	os.Args[0] = roleUserIn
	code, err := netlab.Reexec(ctx, []string{"one", "two words"})
	if err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

// crossLab opens a lab, sends a line from the client's side to a process on the
// node's side and one back, and says so.
func crossLab(ctx context.Context) error {
	lab, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: 10_000_000, Name: "cross"})
	if err != nil {
		return err
	}
	defer lab.Close()
	if err := pingPong(ctx, lab); err != nil {
		return err
	}
	out, err := lab.Command(ctx, netlab.NodeSide, "readlink", "/proc/self/ns/net").Output()
	if err != nil {
		return fmt.Errorf("command inside: %w", err)
	}
	if got, want := strings.TrimSpace(string(out)), fmt.Sprintf("net:[%d]", lab.NSInode(netlab.NodeSide)); got != want {
		return fmt.Errorf("the command ran in %s, want %s", got, want)
	}
	fmt.Printf("crossed as uid %d with arguments %q\n", os.Getuid(), os.Args[1:])
	return lab.Close()
}

// pingPong sends one line each way across the lab.
func pingPong(ctx context.Context, lab *netlab.Lab) error {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	ln, err := lab.Listen(ctx, netlab.NodeSide, "tcp", lab.NodeAddr().String()+":0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() { served <- echoOnce(ln) }()
	conn, err := lab.Dial(ctx, netlab.ClientSide, "tcp", ln.Addr().String())
	if err != nil {
		ln.Close()
		<-served
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testTimeout))
	if _, err := fmt.Fprintln(conn, "ping"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != "ping\n" {
		return fmt.Errorf("echo is %q, %w", line, err)
	}
	return <-served
}

func echoOnce(ln net.Listener) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testTimeout))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, line)
	return err
}

// openLab opens a lab for a test, or skips with the reason where this user may
// not.
func openLab(t *testing.T, rateBitsPerSec uint64) *netlab.Lab {
	t.Helper()
	if err := netlab.Check(); err != nil {
		t.Skipf("network namespaces need root: %v", err)
	}
	lab, err := netlab.Open(t.Context(), netlab.Config{RateBitsPerSec: rateBitsPerSec, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return lab
}

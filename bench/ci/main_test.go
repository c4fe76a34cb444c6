package ci

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// helperEnv makes this test binary one of the programs that the tests compare.
const helperEnv = "WEIR_CI_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		if err := helper(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper is a program with a mode, its arguments behind it.
func helper(args []string) error {
	switch args[0] {
	case "burn": // STEPS EXTRA: a checksum of STEPS, and EXTRA steps more of work
		return burn(args[1], args[2])
	case "wire": // TXS BYTES: transactions over TCP on loopback, counted by the kernel
		return wire(args[1], args[2])
	case "print":
		_, err := fmt.Print(args[1])
		return err
	case "fail":
		fmt.Print(args[1])
		fmt.Fprintln(os.Stderr, "first line\nthe reason")
		os.Exit(3)
	case "hang":
		_, err := io.Copy(io.Discard, hung{})
		return err
	case "dir":
		return os.WriteFile(args[1]+"/made", []byte(args[1]), 0o600)
	}
	return fmt.Errorf("mode %q", args[0])
}

// hung never has anything to read.
type hung struct{}

func (hung) Read([]byte) (int, error) { select {} }

func burn(steps, extra string) error {
	n, err := strconv.Atoi(steps)
	if err != nil {
		return err
	}
	more, err := strconv.Atoi(extra)
	if err != nil {
		return err
	}
	sum := xorshift(88172645463325252, n)
	if xorshift(sum, more) == 0 {
		return fmt.Errorf("a generator of no zero gave one")
	}
	_, err = fmt.Println(sum)
	return err
}

func xorshift(x uint64, n int) uint64 {
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// wire sends transactions, each answered by eight bytes, and tells what both
// directions wrote per transaction, acknowledged by the other end.
func wire(txs, size string) error {
	n, err := strconv.Atoi(txs)
	if err != nil {
		return err
	}
	bytes, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() { done <- answer(l, bytes) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	counted, err := count(c)
	if err != nil {
		return err
	}
	begin, msg, reply := time.Now(), make([]byte, bytes), make([]byte, 8)
	for range n {
		if _, err := c.Write(msg); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, reply); err != nil {
			return err
		}
	}
	took := time.Since(begin)
	total, err := counted()
	if err != nil {
		return err
	}
	c.Close()
	if err := <-done; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"metrics": map[string]float64{"wire_bytes_per_tx": total / float64(n), "tps": float64(n) / took.Seconds()},
		"answer":  n,
	})
}

func answer(l net.Listener, bytes int) error {
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	msg := make([]byte, bytes)
	for {
		switch _, err := io.ReadFull(c, msg); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
		if _, err := c.Write(msg[:8]); err != nil {
			return err
		}
	}
}

// helperRunner compares two calls of this binary.
func helperRunner(t *testing.T, base, head []string) *Runner {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(helperEnv, "1")
	return &Runner{Base: Command{Args: append([]string{exe}, base...)}, Head: Command{Args: append([]string{exe}, head...)}, Timeout: time.Minute}
}

func pattern(t *testing.T, expr string) *regexp.Regexp {
	t.Helper()
	re, err := regexp.Compile(expr)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

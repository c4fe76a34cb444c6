package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/probe"
)

// probeCommand runs weir probe in this process.
func probeCommand(args ...string) (code int, out, errText string) {
	var o, e bytes.Buffer
	code = execute(append([]string{"probe"}, args...), strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// What cannot be watched ends with exit code 2, names the value, and prints nothing.
func TestProbeRefusesBadInput(t *testing.T) {
	for args, word := range map[string]string{
		"":                          "nothing to watch",
		"--port 0":                  `"0"`,
		"--port 65536":              `"65536"`,
		"--class client":            "client=7151",
		"--class a=1 --class b=1":   "a port has one class",
		"--port 1 --interval 1ms":   "10ms",
		"--port 1 --duration=-1s":   "-1s",
		"--port 1 --tier 4":         "tier 4",
		"--port 1 --force magic":    `"magic"`,
		"--pid -5":                  "-5",
		"--pid 4194305":             "4194305",
		"--pid 1 --cgroup x":        "one of them",
		"--iface nosuch0 --tier 2":  "nosuch0",
		"--cgroup /nosuch":          "/nosuch",
		"--port 1 --netns /nosuch":  "/nosuch",
		"--port 1 --listen :0":      "loopback",
		"--port 1 surplus":          "surplus",
		"--port 1 --metrics /no/x ": "/no/x",
	} {
		code, out, errText := probeCommand(append(strings.Fields("--json --force procfs --duration 20ms --interval 10ms"), strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(errText, word) || out != "" {
			t.Errorf("probe %s: exit code %d, printed %q and %q; want %d, nothing and %q", args, code, out, errText, exitUsage, word)
		}
	}
}

// probedLine is a line of the stream as a reader sees it: a count that is
// unknown is null, and no key is missing.
type probedLine struct {
	Schema string
	Report *struct{ Parts []probe.PartReport }
	Total  struct {
		Sockets struct {
			Source  string
			Classes []map[string]json.RawMessage
		}
		Wire *struct{}
	}
	Interval struct {
		ElapsedSec float64 `json:"elapsed_sec"`
	}
}

// The stream is one object per interval and nothing else, without any rights.
func TestProbeStream(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go echoAll(ln)
	port := fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	talk := make(chan struct{})
	go func() {
		defer close(talk)
		buf := make([]byte, 1000)
		for {
			if _, err := client.Write(buf); err != nil {
				return
			}
			if _, err := io.ReadFull(client, buf); err != nil {
				return
			}
		}
	}()
	code, out, errText := probeCommand("--class", "client="+port, "--json", "--force", "procfs", "--interval", "20ms", "--duration", "200ms")
	client.Close()
	<-talk
	if code != exitOK || errText != "" {
		t.Fatalf("exit code %d: %s", code, errText)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(out, "\n"), "\n")
	var sent float64
	for i, text := range lines {
		var l probedLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("line %d: %v: %s", i, err, text)
		}
		if l.Schema != probe.Schema || (l.Report != nil) != (i == 0) || l.Interval.ElapsedSec <= 0 || l.Total.Wire != nil || l.Total.Sockets.Source != probe.SourceSockDiag {
			t.Errorf("line %d: %s", i, text)
		}
		for _, c := range l.Total.Sockets.Classes {
			if string(c["end"]) != `"local"` {
				continue
			}
			var now float64
			if err := json.Unmarshal(c["app_sent_bytes"], &now); err != nil || now < sent {
				t.Errorf("line %d: sent %s after %g: %v", i, c["app_sent_bytes"], sent, err)
			}
			sent = now
			if live := string(c["live"]); !strings.Contains(live, `"backlog_bytes":null`) || !strings.Contains(live, `"connections":1`) {
				t.Errorf("line %d: live is %s, want one connection and an unknown backlog", i, live)
			}
		}
	}
	if len(lines) < 2 || sent == 0 {
		t.Errorf("%d lines, %g bytes sent", len(lines), sent)
	}
}

func echoAll(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c) // until the client leaves
		}()
	}
}

// A process that ends, ends the view of it, in good order.
func TestProbeEndsWithItsProcess(t *testing.T) {
	cmd := weirCommand(t, e2eTemp(t), "probe", "--pid", fmt.Sprint(os.Getpid()), "--force", "procfs")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	code := make(chan int, 1)
	var errText bytes.Buffer
	go func() {
		args := []string{"probe", "--pid", fmt.Sprint(cmd.Process.Pid), "--force", "procfs", "--interval", "10ms", "--duration", "60s"}
		code <- execute(args, strings.NewReader(""), in, &errText)
		in.Close()
	}()
	_, err := out.Read(make([]byte, 1)) // it watches
	if kerr := cmd.Process.Kill(); kerr != nil {
		t.Error(kerr)
	}
	_ = cmd.Wait() // it was killed
	text, rerr := io.ReadAll(out)
	if got := <-code; err != nil || rerr != nil || got != exitOK || !strings.Contains(string(text), "has ended\n") {
		t.Errorf("exit code %d, %v, %v, %s%s", got, err, rerr, text, errText.String())
	}
}

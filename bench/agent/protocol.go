package agent

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of the protocol, for both ends.
const (
	maxQuestionBytes = 1 << 10
	maxAnswerBytes   = 64 << 10
	handshakeTimeout = 5 * time.Second
	writeTimeout     = 5 * time.Second
	// idleTimeout ends a session that asks nothing; a run asks every second.
	idleTimeout = 2 * time.Minute
	// streamEvery is the time between two readings of a stream.
	streamEvery = time.Second
	// answerEvery is the least time between two answers of a session.
	answerEvery = 2 * time.Millisecond
)

// What can be asked.
const (
	opHello    = "hello"
	opClock    = "clock"
	opSnapshot = "snapshot"
	opStream   = "stream"
)

// question is one line from the run.
type question struct {
	ID         int64  `json:"id"` // above 0, chosen by the run
	Op         string `json:"op"`
	SentUnixNS int64  `json:"sent_unix_ns"`
}

// answer is one line from the agent. ID 0 is a reading of a stream.
type answer struct {
	ID             int64    `json:"id"`
	Hello          *Watched `json:"hello,omitempty"`
	Reading        *Reading `json:"reading,omitempty"`
	Error          string   `json:"error,omitempty"`
	ReceivedUnixNS int64    `json:"received_unix_ns"`
	SentUnixNS     int64    `json:"sent_unix_ns"`
}

// ErrTLS means: a configuration would talk to somebody who proved nothing.
var ErrTLS = errors.New("the agent needs TLS 1.3 with certificates on both ends")

// ErrProtocol means: the other end said something that cannot be meant.
var ErrProtocol = errors.New("not the agent's protocol")

// secureServer checks that only TLS 1.3 with a verified client is served.
func secureServer(c *tls.Config) error {
	switch {
	case c == nil || len(c.Certificates) == 0:
		return fmt.Errorf("%w: the agent has no certificate", ErrTLS)
	case c.ClientAuth != tls.RequireAndVerifyClientCert || c.ClientCAs == nil:
		return fmt.Errorf("%w: clients would not have to show a certificate of our authority", ErrTLS)
	case c.MinVersion < tls.VersionTLS13:
		return fmt.Errorf("%w: an older version would be accepted", ErrTLS)
	}
	return nil
}

// secureClient checks that only a verified agent is asked, over TLS 1.3.
func secureClient(c *tls.Config) error {
	switch {
	case c == nil || len(c.Certificates) == 0:
		return fmt.Errorf("%w: the run has no certificate", ErrTLS)
	case c.RootCAs == nil:
		return fmt.Errorf("%w: no authority is named, and any public one would do", ErrTLS)
	case c.InsecureSkipVerify:
		return fmt.Errorf("%w: the agent's certificate would not be checked", ErrTLS)
	case c.MinVersion < tls.VersionTLS13:
		return fmt.Errorf("%w: an older version would be accepted", ErrTLS)
	}
	return nil
}

// lines reads JSON lines of a limited length.
type lines struct{ sc *bufio.Scanner }

func newLines(r io.Reader, maxBytes int) lines {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, min(maxBytes, 4096)), maxBytes)
	return lines{sc}
}

// next decodes the next line. The end of the stream is io.EOF.
func (l lines) next(into any) error {
	if !l.sc.Scan() {
		if err := l.sc.Err(); errors.Is(err, bufio.ErrTooLong) {
			return fmt.Errorf("%w: a line is too long", ErrProtocol)
		} else if err != nil {
			return err
		}
		return io.EOF
	}
	if err := json.Unmarshal(l.sc.Bytes(), into); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nil
}

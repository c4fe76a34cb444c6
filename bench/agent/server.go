package agent

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// maxSessions is how many may be open at a time, after their handshake. A run
// has one.
const maxSessions = 8

// Observer is what a server asks for counters: a Watcher.
type Observer interface {
	Read() Reading
	What() Watched
}

// ServerConfig says how to serve.
type ServerConfig struct {
	// TLS must want and check a client's certificate, and TLS 1.3.
	TLS *tls.Config
	// Log gets one line for each session, when it ends. May be nil.
	Log func(line string)
	// Now is the agent's clock; nil: the wall clock of the start and the
	// monotonic clock since.
	Now func() time.Time
}

// Serve answers runs until ctx ends, and then ends every session. It closes ln.
func Serve(ctx context.Context, ln net.Listener, o Observer, cfg ServerConfig) error {
	if err := secureServer(cfg.TLS); err != nil {
		ln.Close()
		return err
	}
	if cfg.Log == nil {
		cfg.Log = func(string) {}
	}
	if cfg.Now == nil {
		cfg.Now = steadyClock()
	}
	s := &server{cfg: cfg, observer: o, places: make(chan struct{}, maxSessions)}
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	sessions, cancel := context.WithCancel(ctx)
	defer s.wg.Wait()
	defer cancel()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			ln.Close()
			return fmt.Errorf("agent: accept: %w", err)
		}
		v := s.door.enter(conn)
		s.wg.Go(func() { s.session(sessions, v) })
	}
}

type server struct {
	cfg      ServerConfig
	observer Observer
	door     doorway
	places   chan struct{} // one for each session
	wg       sync.WaitGroup
}

// Why a session ends, beside what the connection says.
var (
	errGaveWay = errors.New("refused: it proved nothing yet and gave way to a newer connection")
	errFull    = fmt.Errorf("refused: %d sessions are open", maxSessions)
)

// session is one connection.
type session struct {
	*server
	conn *tls.Conn

	mu       sync.Mutex // of writing
	answered int
	streamed int
}

func (s *server) session(ctx context.Context, v *visitor) {
	start, raw := time.Now(), v.conn
	ss := &session{server: s, conn: tls.Server(raw, s.cfg.TLS)}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	who, err := ss.handshake(ctx)
	if s.door.leave(v) {
		err = errGaveWay
	}
	if err == nil {
		select {
		case s.places <- struct{}{}:
			err = ss.answers(ctx)
			<-s.places
		default:
			err = errFull
		}
	}
	raw.Close()
	end := "closed by the run"
	switch {
	case ctx.Err() != nil:
		end = "the agent stops"
	case errors.Is(err, os.ErrDeadlineExceeded):
		end = "nothing was asked, or the answer was not taken, in time"
	case err != nil && !errors.Is(err, io.EOF):
		end = err.Error()
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.cfg.Log(fmt.Sprintf("%v%s: %.1f s, %d answers, %d streamed readings: %s",
		raw.RemoteAddr(), who, time.Since(start).Seconds(), ss.answered, ss.streamed, end))
}

// handshake returns the name in the client's certificate.
func (ss *session) handshake(ctx context.Context) (who string, err error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := ss.conn.HandshakeContext(ctx); err != nil {
		return "", fmt.Errorf("refused: %w", err)
	}
	return fmt.Sprintf(" (%s)", ss.conn.ConnectionState().PeerCertificates[0].Subject.CommonName), nil
}

// answers reads questions until the connection ends.
func (ss *session) answers(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var streams sync.WaitGroup
	defer streams.Wait()
	defer cancel()
	in := newLines(ss.conn, maxQuestionBytes)
	pace := time.NewTicker(answerEvery)
	defer pace.Stop()
	streaming := false
	for {
		if err := ss.conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
			return err
		}
		var q question
		if err := in.next(&q); err != nil {
			return err
		}
		a := answer{ID: q.ID, ReceivedUnixNS: ss.cfg.Now().UnixNano()}
		switch {
		case q.ID <= 0:
			return fmt.Errorf("%w: question number %d", ErrProtocol, q.ID)
		case q.Op == opHello:
			what := ss.observer.What()
			a.Hello = &what
		case q.Op == opClock:
		case q.Op == opSnapshot:
			r := ss.observer.Read()
			a.Reading = &r
		case q.Op == opStream && !streaming:
			streaming = true
			streams.Add(1)
			go func() {
				defer streams.Done()
				ss.stream(ctx)
			}()
		case q.Op == opStream:
		default:
			a.Error = fmt.Sprintf("unknown question %.20q; ask %s, %s, %s or %s", q.Op, opHello, opClock, opSnapshot, opStream)
		}
		if err := ss.write(&a); err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stream sends a reading a second until the session ends.
func (ss *session) stream(ctx context.Context) {
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r := ss.observer.Read()
		if err := ss.write(&answer{Reading: &r}); err != nil {
			ss.conn.NetConn().Close() // ends the reading side too
			return
		}
	}
}

// write sends one answer, with the time as late as possible.
func (ss *session) write(a *answer) error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if err := ss.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	a.SentUnixNS = ss.cfg.Now().UnixNano()
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if _, err := ss.conn.Write(append(line, '\n')); err != nil {
		return err
	}
	if a.ID == 0 {
		ss.streamed++
	} else {
		ss.answered++
	}
	return nil
}

package jsonrpc

import (
	"context"
	"errors"
	"fmt"
)

// ErrEnded says that a stream can be read no further.
var ErrEnded = errors.New("the stream ended")

// Subscribe opens a stream of its own and asks for events on it. Params are as
// AppendCall wants them, and an error of the server is one here.
func Subscribe(ctx context.Context, e Endpoint, method, params string) (*Stream, error) {
	s, err := Open(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	s.Queue(append(append(AppendCall(nil, 1, method), params...), '}'))
	var b []byte
	if err = s.Flush(0); err == nil {
		b, err = s.Read()
	}
	var ms []Message
	if err == nil {
		ms, err = Messages(b)
	}
	if err == nil && ms[0].Error != nil {
		err = ms[0].Error
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s at %s: %w", method, e.Addr, err), s.Close())
	}
	return s, nil
}

// Listen hands every message on until the stream ends, which is an ErrEnded, or
// take returns an error.
func (s *Stream) Listen(take func(*Message) error) error {
	for {
		b, err := s.Read()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrEnded, err)
		}
		ms, err := Messages(b)
		if err != nil {
			return err
		}
		for i := range ms {
			if err := take(&ms[i]); err != nil {
				return err
			}
		}
	}
}

// Answers hands on what the server answers to what the member sent, until the
// connection ends or take returns an error: both end the member's connection.
func (m *Member) Answers(s *Stream, take func(b []byte) error) {
	for {
		b, err := s.Read()
		if err == nil {
			err = take(b)
		}
		if err != nil {
			m.Closed(err)
			return
		}
	}
}

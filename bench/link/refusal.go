package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// Why a server refuses a test, or stops one. Measure wraps these.
var (
	// ErrBusy means: another test is running; try again when it is over.
	ErrBusy = errors.New("another link test is running")
	// ErrToken means: the server wants another token.
	ErrToken = errors.New("wrong link token")
	// ErrTooLarge means: more time or bytes than the server allows.
	ErrTooLarge = errors.New("link test too large")
	// ErrStopped means: the server ended the test, for the reason in the text.
	ErrStopped = errors.New("link test stopped")
)

// refusedError is what the server said, in the server's words.
type refusedError struct {
	reason error
	text   string
}

func (e *refusedError) Error() string { return "the server refused: " + e.text }
func (e *refusedError) Unwrap() error { return e.reason }

// refusalCodes are the wire's numbers for these errors.
var refusalCodes = []struct {
	code uint16
	err  error
}{
	{1, ErrBusy}, {2, ErrToken}, {3, ErrTooLarge}, {4, ErrProtocol}, {5, ErrStopped}, {6, ErrNoUDP},
}

// protocolErrorf is an ErrProtocol with what was wrong.
func protocolErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

func marshalRefusal(err error) []byte {
	var code uint16 = 5
	for _, c := range refusalCodes {
		if errors.Is(err, c.err) {
			code = c.code
			break
		}
	}
	text := err.Error()
	b := binary.LittleEndian.AppendUint16(nil, code)
	return append(b, text[:min(len(text), maxReasonBytes)]...)
}

// parseRefusal turns a refusal into the error it stands for.
func parseRefusal(b []byte) error {
	if len(b) < 2 {
		return fmt.Errorf("%w: refusal of %d bytes", ErrProtocol, len(b))
	}
	code := binary.LittleEndian.Uint16(b)
	for _, c := range refusalCodes {
		if c.code == code {
			return &refusedError{c.err, printable(string(b[2:]))}
		}
	}
	return fmt.Errorf("%w: refusal with unknown code %d: %s", ErrProtocol, code, printable(string(b[2:])))
}

const (
	// lingerTimeout and lingerBytes bound what is read from a client after a
	// refusal. Closing with unread input resets the connection, and the reset
	// can overtake the reason.
	lingerTimeout = 500 * time.Millisecond
	lingerBytes   = 4 << 20
)

// refuse tells the client why and closes in an orderly way.
func refuse(c net.Conn, reason error) {
	deadline := time.Now().Add(lingerTimeout)
	if c.SetDeadline(deadline) != nil || writeFrame(c, kindRefuse, marshalRefusal(reason)) != nil {
		return
	}
	if hc, ok := c.(interface{ CloseWrite() error }); ok && hc.CloseWrite() != nil {
		return
	}
	buf := make([]byte, 32<<10)
	for read := 0; read < lingerBytes; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		read += n
	}
}

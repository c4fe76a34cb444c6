package importers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// jsonError says of a JSON error what a person can look for.
func jsonError(line []byte, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("key %q is a JSON %s and should be %s", wrong.Field, wrong.Value, wrong.Type)
	case errors.As(err, &syntax) && strings.Contains(err.Error(), "unexpected end"):
		return fmt.Errorf("the line is cut off after %d bytes; the tool was stopped or the disk was full", len(line))
	}
	return fmt.Errorf("not JSON: %w", err)
}

// lineOf is the line, from 1, at which err says that data is wrong.
func lineOf(data []byte, err error) int {
	var offset int64
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrong):
		offset = wrong.Offset
	}
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// ErrNotFinite reports a NaN or an infinity in a value to be written.
var ErrNotFinite = errors.New("not a finite number")

// MarshalJSON writes the empty string as null.
func (s NullString) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return encodePlain(string(s))
}

// MarshalJSON writes a nil map as {}.
func (r Rejections) MarshalJSON() ([]byte, error) {
	if r == nil {
		return []byte("{}"), nil
	}
	return encodePlain(map[string]int64(r))
}

// MarshalJSON sets schema and type, writes empty lists as [] and refuses NaN
// and infinities with an error that names the field.
func (s Summary) MarshalJSON() ([]byte, error) {
	type plain Summary
	if err := checkFinite(plain(s)); err != nil {
		return nil, err
	}
	s.Schema, s.Type = SchemaRun, TypeSummary
	s.Warnings = orEmpty(s.Warnings)
	s.Kernels = orEmpty(s.Kernels)
	s.Knee.LatencyAt = orEmpty(s.Knee.LatencyAt)
	s.OnANetwork = orEmpty(s.OnANetwork)
	s.Stages = orEmpty(s.Stages)
	s.Trials = orEmpty(s.Trials)
	if s.Search != nil {
		search := *s.Search // the caller's value stays as it is
		search.ConfirmTrials, search.SetAside = orEmpty(search.ConfirmTrials), orEmpty(search.SetAside)
		s.Search = &search
	}
	if s.Soak != nil {
		soak := *s.Soak
		soak.Drift, soak.Series = orEmpty(soak.Drift), orEmpty(soak.Series)
		s.Soak = &soak
	}
	return encodePlain(plain(s))
}

// MarshalJSON sets schema and type, writes empty lists as [] and refuses NaN
// and infinities with an error that names the field.
func (t Trial) MarshalJSON() ([]byte, error) {
	type plain Trial
	if err := checkFinite(plain(t)); err != nil {
		return nil, err
	}
	t.Schema, t.Type = SchemaRun, TypeTrial
	if t.Node != nil {
		node := *t.Node // the caller's value stays as it is
		node.Stages = orEmpty(node.Stages)
		t.Node = &node
	}
	return encodePlain(plain(t))
}

// MarshalJSON sets schema and type.
func (w Window) MarshalJSON() ([]byte, error) {
	type plain Window
	w.Schema, w.Type = SchemaRun, TypeWindow
	return encodePlain(plain(w))
}

// MarshalJSON sets schema and type, writes empty lists as [] and refuses NaN
// and infinities with an error that names the field.
func (e Env) MarshalJSON() ([]byte, error) {
	type plain Env
	if err := checkFinite(plain(e)); err != nil {
		return nil, err
	}
	e.Schema, e.Type = SchemaRun, TypeEnv
	e.Class.CPUFeatures = orEmpty(e.Class.CPUFeatures)
	e.Warnings = orEmpty(e.Warnings)
	return encodePlain(plain(e))
}

// MarshalJSON sets schema, writes empty lists as [] and refuses NaN and
// infinities with an error that names the field.
func (l LoadResult) MarshalJSON() ([]byte, error) {
	type plain LoadResult
	if err := checkFinite(plain(l)); err != nil {
		return nil, err
	}
	l.Schema = SchemaLoad
	l.Warnings = orEmpty(l.Warnings)
	return encodePlain(plain(l))
}

// MarshalJSON writes an empty list as [].
func (c SelfCheck) MarshalJSON() ([]byte, error) {
	type plain SelfCheck
	c.Failed = orEmpty(c.Failed)
	return encodePlain(plain(c))
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// encodePlain is json.Marshal that leaves <, > and & readable: an SLO such as
// p99<2s is read by people.
func encodePlain(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// checkFinite returns an error naming, by its path of JSON keys, the first
// float in v that is NaN or infinite.
func checkFinite(v any) error {
	return walkFinite(reflect.ValueOf(v), "")
}

func walkFinite(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("results: field %s is %v: %w: write null when the value is unknown", path, f, ErrNotFinite)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return walkFinite(v.Elem(), path)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := walkFinite(v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue // time.Time and the like hold no floats
			}
			if err := walkFinite(v.Field(i), joinKey(path, f)); err != nil {
				return err
			}
		}
	}
	return nil
}

func joinKey(path string, f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case f.Anonymous && key == "":
		return path // an embedded struct's keys belong to its parent
	case path == "":
		return key
	}
	return path + "." + key
}

package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file.
const (
	maxFileBytes = 256 << 10
	maxNodes     = 20_000 // aliases may repeat parts, and parts of parts
	maxDepth     = 16
	maxProblems  = 10 // reported at a time
)

// pos is a place in the text, both from 1.
type pos struct{ line, column int }

// document is a YAML document as plain values, with the place of each. Paths
// are those of JSON Pointers without escapes: "/mix/0/weight".
type document struct {
	value any
	at    map[string]pos
}

// reader walks a syntax tree.
type reader struct {
	doc     document
	anchors map[string]ast.Node
	open    map[string]bool // anchors whose value is being read
	nodes   int
}

// readYAML reads one document. Errors are *Error.
func readYAML(name string, text []byte) (doc document, err error) {
	if len(text) > maxFileBytes {
		return doc, problem(name, pos{1, 1}, "", fmt.Sprintf("%d bytes", len(text)), "the file is too long", fmt.Sprintf("a workload has at most %d bytes", maxFileBytes))
	}
	// The parser is other people's code, and a file is anybody's.
	defer func() {
		if r := recover(); r != nil {
			err = problem(name, pos{1, 1}, "", "", fmt.Sprintf("the YAML parser gave up: %v", r), "write it in a simpler way")
		}
	}()
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return doc, syntaxError(name, err)
	}
	var body ast.Node
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return doc, problem(name, posOf(d.Body), "", "", "a second document", "put one workload into each file")
		}
		body = d.Body
	}
	if body == nil {
		return doc, problem(name, pos{1, 1}, "", "", "the file is empty", "write a list of what to do under mix:, as in \"weir workload transfer --text\"")
	}
	r := &reader{doc: document{at: map[string]pos{}}, anchors: map[string]ast.Node{}, open: map[string]bool{}}
	if r.doc.value, err = r.read("", body, 0); err != nil {
		var p *Problem
		if errors.As(err, &p) {
			return doc, &Error{File: name, Problems: []Problem{*p}}
		}
		return doc, err
	}
	return r.doc, nil
}

func syntaxError(name string, err error) error {
	at := pos{1, 1}
	text := strings.TrimSpace(err.Error())
	var se *yaml.SyntaxError
	var dup *yaml.DuplicateKeyError
	switch {
	case errors.As(err, &se):
		at, text = tokenPos(se.Token), se.Message
	case errors.As(err, &dup):
		at, text = tokenPos(dup.Token), dup.Message
	}
	return problem(name, at, "", "", "not YAML: "+text, "see the examples in docs/workloads.md")
}

func tokenPos(t *token.Token) pos {
	if t == nil || t.Position == nil {
		return pos{1, 1}
	}
	return pos{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

func posOf(n ast.Node) pos {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return posOf(m.Values[0])
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return tokenPos(v.Key.GetToken())
	}
	return tokenPos(n.GetToken())
}

func (r *reader) refuse(n ast.Node, path, value, text, remedy string) error {
	p := posOf(n)
	return &Problem{Line: p.line, Column: p.column, Path: path, Value: value, Text: text, Remedy: remedy}
}

// read turns a node into the values of encoding/json, numbers as json.Number.
func (r *reader) read(path string, n ast.Node, depth int) (any, error) {
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, r.refuse(n, path, "", "too large or too deep", fmt.Sprintf("a workload has at most %d values, %d deep", maxNodes, maxDepth))
	}
	r.doc.at[path] = posOf(n)
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(path, n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(path, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		list := []any{}
		for i, item := range n.Values {
			v, err := r.read(path+"/"+strconv.Itoa(i), item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		r.anchors[name], r.open[name] = n.Value, true
		v, err := r.read(path, n.Value, depth+1)
		r.open[name] = false
		return v, err
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		to, ok := r.anchors[name]
		if !ok || r.open[name] {
			return nil, r.refuse(n, path, "*"+name, "an alias without an anchor before it", fmt.Sprintf("write &%s before the value that it stands for", name))
		}
		v, err := r.read(path, to, depth+1)
		r.doc.at[path] = posOf(n)
		return v, err
	}
	return r.scalar(path, n)
}

func (r *reader) mapping(path string, values []*ast.MappingValueNode, depth int) (any, error) {
	m := make(map[string]any, len(values))
	for _, kv := range values {
		key, ok := keyText(kv.Key)
		if !ok {
			return nil, r.refuse(kv.Key, path, kv.Key.String(), "a key that is not a word", "keys are plain words")
		}
		if _, twice := m[key]; twice {
			return nil, r.refuse(kv.Key, path+"/"+key, "", fmt.Sprintf("%q is given twice", key), "keep one of them")
		}
		at := path + "/" + key
		v, err := r.read(at, kv.Value, depth+1)
		if err != nil {
			return nil, err
		}
		r.doc.at[at+"\x00key"] = posOf(kv.Key)
		m[key] = v
	}
	return m, nil
}

func keyText(k ast.MapKeyNode) (string, bool) {
	s, ok := k.(*ast.StringNode)
	if !ok || strings.ContainsAny(s.Value, "/\x00") {
		return "", false
	}
	return s.Value, true
}

func (r *reader) scalar(path string, n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.StringNode:
		if n.Token.Type == token.StringType { // not quoted
			return plain(n.Value), nil
		}
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode:
		return plain(n.Token.Value), nil
	case *ast.FloatNode:
		return plain(n.Token.Value), nil
	}
	return nil, r.refuse(n, path, n.String(), "a value of a kind that workloads do not have", "use plain numbers, words, lists and mappings")
}

// Numbers of YAML 1.2's core schema. The parser follows 1.1 in places, where
// 010 is 8 and 1e6 is text.
var (
	decimal = regexp.MustCompile(`^[-+]?[0-9]+$`)
	octal   = regexp.MustCompile(`^0o[0-7]+$`)
	hexadec = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	float   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// plain is the value of a plain scalar: a json.Number, or the text itself.
func plain(s string) any {
	var v uint64
	var err error
	switch {
	case octal.MatchString(s):
		v, err = strconv.ParseUint(s[2:], 8, 64)
	case hexadec.MatchString(s):
		v, err = strconv.ParseUint(s[2:], 16, 64)
	case decimal.MatchString(s) && s[0] != '-':
		v, err = strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 64)
	case float.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil:
			return s
		case f == 0: // also -0, which no whole number is
			return json.Number("0")
		case f == math.Trunc(f) && math.Abs(f) < 1<<53:
			return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	default:
		return s
	}
	if err != nil { // beyond 64 bits, and so beyond every limit
		return s
	}
	return json.Number(strconv.FormatUint(v, 10))
}

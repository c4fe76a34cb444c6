package merkle

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadLeaves(t *testing.T) {
	node := strings.Repeat("0a", 31)
	for name, tc := range map[string]struct {
		scheme   *Scheme
		reversed bool
		text     string
		want     []string
	}{
		"no byte":           {RFC6962, false, "", nil},
		"one empty leaf":    {RFC6962, false, "\n", []string{""}},
		"two empty leaves":  {RFC6962, false, "\n\n", []string{"", ""}},
		"newline at end":    {RFC6962, false, "00\nff\n", []string{"\x00", "\xff"}},
		"no newline at end": {RFC6962, false, "00\nff", []string{"\x00", "\xff"}},
		"CR LF":             {RFC6962, false, "00\r\n\r\nfF\r\n", []string{"\x00", "", "\xff"}},
		"bitcoin":           {Bitcoin, false, node + "01\n", []string{strings.Repeat("\n", 31) + "\x01"}},
		"display order":     {Bitcoin, true, node + "01\n", []string{"\x01" + strings.Repeat("\n", 31)}},
	} {
		got, err := ReadLeaves(context.Background(), strings.NewReader(tc.text), "f", tc.scheme, tc.reversed)
		var texts []string
		for _, leaf := range got {
			texts = append(texts, string(leaf))
		}
		if err != nil || !reflect.DeepEqual(texts, tc.want) {
			t.Errorf("%s: got %q, %v; want %q", name, texts, err, tc.want)
		}
	}
}

func TestReadLeavesErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		scheme *Scheme
		text   string
		want   string
	}{
		"odd":            {RFC6962, "00\n123\n", "f:2: 3 hex digits"},
		"0x":             {RFC6962, "0x00\n", "f:1: remove the 0x"},
		"space":          {RFC6962, "00\n\n00 \n", "f:3: column 3"},
		"letter":         {RFC6962, "0g\n", `f:1: column 2: "g"`},
		"not UTF-8":      {RFC6962, "\xff\xfe\n", "f:1: column 1"},
		"two CR":         {RFC6962, "00\r\r\n", "f:1: column 3"},
		"bitcoin empty":  {Bitcoin, strings.Repeat("00", 32) + "\n\n", "f:2: the line is empty"},
		"bitcoin short":  {Bitcoin, strings.Repeat("00", 31) + "\n", "this line has 31"},
		"line too long":  {RFC6962, strings.Repeat("0", maxLeafLineBytes+2), "f:1: the line is longer"},
		"no such scheme": {nil, "", "scheme"},
	} {
		got, err := ReadLeaves(context.Background(), strings.NewReader(tc.text), "f", tc.scheme, false)
		if err == nil || got != nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v; want %q", name, err, tc.want)
		}
		if tc.scheme != nil && !errors.Is(err, ErrLeafFile) {
			t.Errorf("%s: %v is not ErrLeafFile", name, err)
		}
	}
	broken := iotest.ErrReader(errors.New("disk on fire"))
	if _, err := ReadLeaves(context.Background(), broken, "f", RFC6962, false); !errors.Is(err, ErrLeafFile) ||
		!strings.Contains(err.Error(), "f:1: disk on fire") {
		t.Errorf("broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadLeaves(ctx, strings.NewReader("00\n"), "f", RFC6962, false); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Leaves that fill several blocks stay apart: appending to one must not reach
// the next.
func TestReadLeavesBlocks(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		text.WriteString(strings.Repeat(string("0123456789"[i%10]), 2*(leafBlockBytes/16+i)) + "\n")
	}
	leaves, err := ReadLeaves(context.Background(), strings.NewReader(text.String()), "f", RFC6962, false)
	if err != nil || len(leaves) != 50 {
		t.Fatalf("%d leaves, %v", len(leaves), err)
	}
	for i := range leaves {
		_ = append(leaves[i], 0xEE)
	}
	for i, leaf := range leaves {
		digit := byte(i % 10)
		if want := bytes.Repeat([]byte{digit<<4 | digit}, leafBlockBytes/16+i); !bytes.Equal(leaf, want) {
			t.Fatalf("leaf %d has %d bytes, the first %x", i, len(leaf), leaf[0])
		}
	}
}

// What is accepted are exactly the leaves that were written.
func FuzzReadLeaves(f *testing.F) {
	f.Add([]byte("00\r\n\nff"))
	f.Add([]byte("0x00 \n1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		leaves, err := ReadLeaves(context.Background(), bytes.NewReader(data), "f", RFC6962, false)
		if err != nil {
			if !errors.Is(err, ErrLeafFile) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		var again []string
		for _, leaf := range leaves {
			again = append(again, FormatBytes(leaf, false)+"\n")
		}
		want := strings.ToLower(strings.ReplaceAll(string(data), "\r\n", "\n"))
		got := strings.Join(again, "")
		if got != want && got != strings.TrimSuffix(want, "\r")+"\n" {
			t.Fatalf("%q was read as %q", data, got)
		}
	})
}

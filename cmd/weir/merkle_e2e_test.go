package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// piped runs one command of the real binary into another, as a shell does.
func piped(t *testing.T, dir, first, second string) outcome {
	t.Helper()
	from, to := weirCommand(t, dir, strings.Fields(first)...), weirCommand(t, dir, strings.Fields(second)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	from.Stdout, to.Stdin = w, r
	err = from.Start()
	w.Close() // the first command has it
	if err != nil {
		t.Fatal(err)
	}
	out := finish(t, to)
	if err := from.Wait(); err != nil {
		t.Errorf("%s: %v", first, err)
	}
	return out
}

// The one-line workflows of the help texts, through the real binary.
func TestMerkleOneLiners(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	for name, text := range map[string]string{
		"leaves.hex": eightLeaves, "old.hex": threeLeaves, "txids.hex": block100kTxids, "chunks.bin": sszChunks, "msg.bin": blake3Message(5 * 1024),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root := func(args string) string {
		out := weir(t, dir, strings.Fields("merkle root "+args)...)
		if out.code != 0 || out.stderr != "" || len(out.stdout) != 65 {
			t.Errorf("root %s: %s", args, out)
		}
		return strings.TrimSpace(out.stdout)
	}
	for _, tc := range []struct{ root, want, prove, verify, says string }{
		{"leaves.hex", eightLeafRoot, "--index 2 --json leaves.hex", "", "leaf 2 of 8 is under root"},
		{"leaves.hex", eightLeafRoot, "--index 1,5,6 --json leaves.hex", "", "leaves 1, 5, 6 of 8 are under root"},
		{"leaves.hex", eightLeafRoot, "--range 1-6 --json leaves.hex", "", "leaves 1 to 6 of 8 are under root"},
		{"leaves.hex", eightLeafRoot, "--consistency 3 --json leaves.hex", "--old-root " + threeLeafRoot, "the 3 leaves under " + threeLeafRoot + " are the first of the 8 under root"},
		{"--scheme bitcoin --reverse txids.hex", block100kRoot, "--scheme bitcoin --reverse --index 3 --json txids.hex", "", "leaf 3 of 4 is under root"},
		{"--scheme ssz --chunk 32 chunks.bin", specSSZRoot(3), "--scheme ssz --chunk 32 --index 1 --json chunks.bin", "", "leaf 1 of 5 is under root"},
		{"--scheme ssz:1024 --chunk 32 chunks.bin", specSSZRoot(10), "--scheme ssz:1024 --chunk 32 --index 1 --json chunks.bin", "", "leaf 1 of 5 is under root"},
		{"--scheme ssz:1024 --chunk 32 --mix-in-length chunks.bin", specSSZList(10, 5), "--scheme ssz:1024 --chunk 32 --mix-in-length --index 1 --json chunks.bin", "",
			"leaf 1 of 5 is in a list of 5 elements under root"},
		{"--scheme blake3 msg.bin", "9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833", "--scheme blake3 --index 4 --json msg.bin", "",
			"chunk 4 of 5120 bytes is under root"},
	} {
		got := root(tc.root)
		if got != tc.want {
			t.Errorf("root %s: %s; want %s", tc.root, got, tc.want)
		}
		out := piped(t, dir, "merkle prove "+tc.prove, strings.TrimSpace("merkle verify - --root "+got+" "+tc.verify))
		if out.code != 0 || out.stderr != "" || !strings.HasPrefix(out.stdout, "valid: "+tc.says+" "+got+" (") {
			t.Errorf("prove %s: %s", tc.prove, out)
		}
		out = piped(t, dir, "merkle prove "+tc.prove, strings.TrimSpace("merkle verify - --json --root "+emptyRoot+" "+tc.verify))
		var answer struct {
			OK     bool
			Reason string
		}
		oneObject(t, out.stdout, &answer)
		if out.code != 1 || answer.OK || !strings.Contains(answer.Reason, "root does not match") {
			t.Errorf("prove %s, another root: %s", tc.prove, out)
		}
	}
}

// The official vectors of BLAKE3, or three of them where the file is not: the
// root is the digest, and every chunk is proven against it.
func TestMerkleBLAKE3Vectors(t *testing.T) {
	vectors := map[int]string{
		0:    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
		3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
	}
	if dir := os.Getenv("WEIR_VECTORS"); dir == "" {
		t.Log("WEIR_VECTORS is unset: the official file is not run, only the facts in this test")
	} else {
		data, err := os.ReadFile(filepath.Join(dir, "blake3", "test_vectors.json"))
		var file struct {
			Cases []struct {
				InputLen int    `json:"input_len"`
				Hash     string `json:"hash"`
			} `json:"cases"`
		}
		if err == nil {
			err = json.Unmarshal(data, &file)
		}
		if err != nil || len(file.Cases) != 35 {
			t.Fatalf("%d cases, %v; the official set has 35", len(file.Cases), err)
		}
		for _, c := range file.Cases {
			vectors[c.InputLen] = c.Hash[:64]
		}
	}
	for size, want := range vectors {
		msg := blake3Message(size)
		got := runMerkleJSON(t, 0, msg, "root", "--scheme", "blake3", "-")
		chunks := max(1, (size+1023)/1024)
		if got["root"] != want || got["leaves"] != float64(chunks) {
			t.Errorf("%d bytes: %v; want %s", size, got, want)
		}
		for i := range chunks {
			proof := proveJSON(t, msg, "--scheme", "blake3", "--index", indexText(i))
			got := runMerkleJSON(t, 0, proof, "verify", "-", "--root", want)
			if got["ok"] != true || got["kind"] != "blake3_chunk" || got["index"] != float64(i) || got["size"] != float64(size) {
				t.Errorf("chunk %d of %d bytes: %v", i, size, got)
			}
		}
		file := writeFile(t, "msg", msg)
		proof := proveJSON(t, msg, "--scheme", "blake3", "--index", "0")
		if got := runMerkleJSON(t, 0, proof, "verify", "-", "--root", want, "--chunk", "1024", "--content", file); got["ok"] != true {
			t.Errorf("content of %d bytes: %v", size, got)
		}
	}
}

package merkle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// vectorsDir returns the folder of the public RFC 6962 proof vectors, or ""
// where WEIR_VECTORS is unset. Set but without the folder is a failure.
func vectorsDir(t *testing.T, kind string) string {
	t.Helper()
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Log("WEIR_VECTORS is unset: the public vectors are not run, only the facts in these tests")
		return ""
	}
	return filepath.Join(dir, "rfc6962", kind)
}

// eachVector reads every JSON file below dir into a new T and calls run.
func eachVector[T any](t *testing.T, dir string, run func(t *testing.T, v T)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		files++
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		t.Run(name, func(t *testing.T) { run(t, v) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 98 {
		t.Fatalf("%s has %d vectors; the public set has 98", dir, files)
	}
}

var errVectorHash = errors.New("a hash that does not have 32 bytes")

// toHash is what any caller of an API of fixed-size hashes has to do first:
// refuse other lengths.
func toHash(b []byte) (Hash, error) {
	if len(b) != HashSize {
		return Hash{}, errVectorHash
	}
	return Hash(b), nil
}

func toPath(raw [][]byte) ([]Hash, error) {
	var path []Hash
	for _, b := range raw {
		h, err := toHash(b)
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	return path, nil
}

func TestVectorsInclusion(t *testing.T) {
	dir := vectorsDir(t, "inclusion")
	if dir == "" {
		return
	}
	type vector struct {
		LeafIdx, TreeSize uint64
		Root, LeafHash    []byte
		Proof             [][]byte
		WantErr           bool
	}
	eachVector(t, dir, func(t *testing.T, v vector) {
		root, err1 := toHash(v.Root)
		leaf, err2 := toHash(v.LeafHash)
		path, err3 := toPath(v.Proof)
		err := errors.Join(err1, err2, err3)
		if err == nil {
			err = VerifyInclusionHash(RFC6962, root, leaf, v.LeafIdx, v.TreeSize, path)
		}
		if (err != nil) != v.WantErr {
			t.Errorf("got %v; want an error: %v", err, v.WantErr)
		}
	})
}

func TestVectorsConsistency(t *testing.T) {
	dir := vectorsDir(t, "consistency")
	if dir == "" {
		return
	}
	type vector struct {
		Size1, Size2 uint64
		Root1, Root2 []byte
		Proof        [][]byte
		WantErr      bool
	}
	eachVector(t, dir, func(t *testing.T, v vector) {
		// Where a vector's point is that roots do not matter, or only whether
		// they are equal, it has words for roots. They are carried padded with
		// zeros, which keeps different ones different.
		var root1, root2 Hash
		copy(root1[:], v.Root1)
		copy(root2[:], v.Root2)
		path, err := toPath(v.Proof)
		if err == nil {
			err = VerifyConsistency(RFC6962, v.Size1, v.Size2, root1, root2, path)
		}
		if (err != nil) != v.WantErr {
			t.Errorf("got %v; want an error: %v", err, v.WantErr)
		}
	})
}

// Command _gen writes the Go code for .proto files without protoc: protocompile
// reads the files, and the two plug-ins, pinned by this module's go.mod, write
// the code. The same sources give the same bytes on every machine.
//
//	go run . -proto DIR -out DIR FILE…
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugins are run as `go tool NAME`. The version that generated files name is
// fixed, because no protoc is involved.
var plugins = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

func main() {
	protoDir := flag.String("proto", ".", "folder that the files' names are relative to")
	outDir := flag.String("out", ".", "folder of the Go code")
	flag.Parse()
	if err := run(*protoDir, *outDir, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "generating from .proto files:", err)
		os.Exit(1)
	}
}

func run(protoDir, outDir string, files []string) error {
	if len(files) == 0 {
		return errors.New("name at least one .proto file")
	}
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{protoDir}},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments become doc comments
	}
	linked, err := compiler.Compile(context.Background(), files...)
	if err != nil {
		return err
	}
	req := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: proto.String("paths=source_relative")}
	for _, f := range linked {
		if n := f.Imports().Len(); n > 0 {
			return fmt.Errorf("%s imports %d files; this generator passes on the named files only", f.Path(), n)
		}
		req.ProtoFile = append(req.ProtoFile, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, p := range plugins {
		if err := generate(p, req, outDir); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

func generate(plugin string, req *pluginpb.CodeGeneratorRequest, outDir string) error {
	in, err := proto.Marshal(req)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var resp pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &resp); err != nil {
		return err
	}
	if resp.Error != nil {
		return errors.New(*resp.Error)
	}
	for _, f := range resp.File {
		// All files of one Go package lie in one folder, whatever theirs was.
		path := filepath.Join(outDir, filepath.Base(f.GetName()))
		if !strings.HasSuffix(path, ".go") {
			return fmt.Errorf("it wants to write %s", path)
		}
		code := withoutUnsafe(f.GetContent())
		if strings.Contains(code, "unsafe.") {
			return fmt.Errorf("%s still uses unsafe: teach withoutUnsafe about it", path)
		}
		if err := os.WriteFile(path, []byte(code), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var (
	unsafeBytes  = regexp.MustCompile(`unsafe\.Slice\(unsafe\.StringData\((\w+)\), len\(\w+\)\)`)
	unsafeImport = regexp.MustCompile(`(?m)^\s*unsafe "unsafe"\n`)
)

// withoutUnsafe copies the descriptor where protoc-gen-go would alias a string:
// outside asm/ this tree has no unsafe, and a few kilobytes once are no reason
// for an exception.
func withoutUnsafe(code string) string {
	return unsafeImport.ReplaceAllString(unsafeBytes.ReplaceAllString(code, "[]byte($1)"), "")
}

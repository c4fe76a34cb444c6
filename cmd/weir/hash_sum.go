package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	gohash "hash"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/hash"
)

// hashAlgorithms are the values of hash sum --algo.
var hashAlgorithms = map[string]func() gohash.Hash{
	"sha256": hash.NewSHA256,
	"blake3": func() gohash.Hash { return hash.NewBLAKE3() },
}

// hashSum is the object of weir hash sum --json.
type hashSum struct {
	Schema string        `json:"schema"`
	Algo   string        `json:"algo"`
	Files  []hashSumFile `json:"files"`
}

type hashSumFile struct {
	Name   string  `json:"name"`
	Bytes  *int64  `json:"bytes"`  // null when the file could not be read
	Digest *string `json:"digest"` // lower-case hex; null when the file could not be read
	Error  *string `json:"error"`
}

func newHashSumCmd() *cobra.Command {
	var algo string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "sum FILE...|-",
		Short: "Print the digests of files",
		Long: `sum prints the digest and the name of each file, two spaces apart, as
sha256sum does: its -c option reads the output for SHA-256. The name - is
standard input. A file that cannot be read is reported, the others are
digested, and the exit code is 2.`,
		Example: "  weir hash sum go.mod go.sum\n  weir hash sum --algo blake3 - <go.sum",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			newHash, ok := hashAlgorithms[algo]
			if !ok {
				return usagef("--algo %q is not known; use sha256 or blake3", algo)
			}
			// A filter that waits for a terminal or a pipe has nothing to finish:
			// Ctrl-C ends it at once, as it would without the root's handler.
			signal.Reset(os.Interrupt)
			return sumFiles(cmd, algo, newHash, names, asJSON)
		},
	}
	cmd.Flags().StringVar(&algo, "algo", "sha256", "sha256 or blake3")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.hash.sum/1)")
	return cmd
}

func sumFiles(cmd *cobra.Command, algo string, newHash func() gohash.Hash, names []string, asJSON bool) error {
	report := hashSum{Schema: "weir.hash.sum/1", Algo: algo}
	var errs []error
	for _, name := range names {
		n, digest, err := sumFile(cmd.Context(), newHash(), name, cmd.InOrStdin())
		if ctxErr := cmd.Context().Err(); ctxErr != nil {
			return inconclusivef("stopped while reading %s: %w", name, ctxErr)
		}
		if err != nil {
			errs = append(errs, err)
			text := err.Error()
			report.Files = append(report.Files, hashSumFile{Name: name, Error: &text})
			continue
		}
		report.Files = append(report.Files, hashSumFile{Name: name, Bytes: &n, Digest: &digest})
		if !asJSON {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), sumLine(digest, name)); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := printJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return usagef("%w", err)
	}
	return nil
}

// sumFile digests one file; - is stdin. The digest is lower-case hex.
func sumFile(ctx context.Context, h gohash.Hash, name string, stdin io.Reader) (int64, string, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return 0, "", err
		}
		defer f.Close()
		in = f
	}
	buf := make([]byte, 256<<10)
	n, err := io.CopyBuffer(h, contextReader{ctx, in}, buf)
	if err != nil {
		return 0, "", err
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

// contextReader ends a long read when the user gives up.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// sumLine is a line as sha256sum writes it: a name that would break the line
// is escaped, and a backslash in front of the digest says so.
func sumLine(digest, name string) string {
	escaped := strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
	if escaped != name {
		digest = `\` + digest
	}
	return digest + "  " + escaped
}

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

type merkleVerify struct {
	proof, root, oldRoot, scheme string
	reverse, json                bool
	content                      leafContent
}

func newMerkleVerifyCmd() *cobra.Command {
	var v merkleVerify
	cmd := &cobra.Command{
		Use:   "verify FILE --root HEX",
		Short: "Verify a proof that weir merkle prove --json printed",
		Long: `Verify what weir merkle prove --json printed into FILE (- for standard input):
that leaves are in the tree with the given root, or that a list only grew.

Give the root that you trust with --root, and of a consistency proof the earlier
one with --old-root. Without it the proof is checked against the root it carries
itself, with a warning: that shows that it is whole, not that the leaf is in any
tree you know. The size, too, is the proof's own word; the JSON output repeats
it. Of an SSZ list the root is that with the length mixed in.

--content FILE also checks that the leaf is what FILE holds: all of it, with
--chunk N the chunks of the proof's indices, and with --dir its SHA-256. --dir
says that leaves are the entries of files and prints their paths, which are
yours to compare with the names that you expect.

A bitcoin proof in display order says so itself, and --root is then read in the
same order. --reverse is for such a root beside a proof in internal order.

Exit code 0: the proof holds. 1: it does not, and the reason is printed.
2: the file or the root cannot be read.`,
		Example: `  weir merkle verify proof.json --root 6e340b9cffb37a98...
  weir merkle verify grew.json --old-root $OLD --root $NEW
  weir merkle verify proof.json --root $ROOT --dir --content bin/weir
  weir merkle prove --index 0 --json f.hex | weir merkle verify - --root $ROOT`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.proof == "" && len(args) == 1 {
				v.proof, args = args[0], nil // weir merkle verify FILE says the same
			}
			if v.proof == "" || len(args) > 0 {
				return usagef("give one proof: FILE or --proof FILE (- for standard input)")
			}
			if err := v.content.check(cmd, v.proof); err != nil {
				return err
			}
			return v.run(cmd)
		},
	}
	cmd.Flags().StringVar(&v.proof, "proof", "", "`file` with the proof as JSON, the same as FILE")
	cmd.Flags().StringVar(&v.root, "root", "", "the root that you trust, in `hex`")
	cmd.Flags().StringVar(&v.oldRoot, "old-root", "", "of a consistency proof: the earlier root that you trust, in `hex`")
	cmd.Flags().StringVar(&v.scheme, "scheme", "", "`name` of the scheme that the proof must be of")
	cmd.Flags().BoolVar(&v.reverse, "reverse", false, "read and print the root in bitcoin's display order")
	cmd.Flags().BoolVar(&v.json, "json", false, "print one JSON object")
	v.content.register(cmd)
	return cmd
}

// verifyAnswer is what verify --json prints. Keys that the kind of the proof does
// not have are absent.
type verifyAnswer struct {
	Schema  string   `json:"schema"`
	OK      bool     `json:"ok"`
	Reason  string   `json:"reason"` // empty if ok
	Kind    string   `json:"kind"`
	Scheme  string   `json:"scheme"`
	Index   *uint64  `json:"index,omitempty"`
	Indices []uint64 `json:"indices,omitempty"`
	First   *uint64  `json:"first,omitempty"`
	Last    *uint64  `json:"last,omitempty"`
	// OldSize, OldRoot and its source are of consistency proofs.
	OldSize       *uint64 `json:"old_size,omitempty"`
	OldRoot       string  `json:"old_root,omitempty"`
	OldRootSource string  `json:"old_root_source,omitempty"`
	Size          uint64  `json:"size"` // leaves, and bytes of a blake3 proof
	MixInLength   *uint64 `json:"mix_in_length,omitempty"`
	Root          string  `json:"root"`
	RootSource    string  `json:"root_source"` // flag, or proof: not trusted
	// File is the entry of a file, with --dir; null without. Files is the same
	// of a proof about several.
	File     *fileAnswer  `json:"file"`
	Files    []fileAnswer `json:"files,omitempty"`
	Content  string       `json:"content"` // what leaves were compared with; empty: nothing
	Warnings []string     `json:"warnings"`
}

// newVerifyAnswer is an answer that says what the proof is about.
func newVerifyAnswer(p heldProof) verifyAnswer {
	a := verifyAnswer{Schema: merkleSchema, Kind: p.kind, Scheme: p.scheme, Size: p.size, MixInLength: p.list.length, Warnings: []string{}}
	switch n := len(p.indices); {
	case p.old != nil:
		a.OldSize = &p.old.size
	case p.kind == kindMulti:
		a.Indices = p.indices
	case p.kind == kindRange && n > 0:
		a.First, a.Last = &p.indices[0], &p.indices[n-1]
	case n > 0:
		a.Index = &p.indices[0]
	}
	return a
}

func (v *merkleVerify) run(cmd *cobra.Command) error {
	proof, err := v.read(cmd)
	if err != nil {
		return err
	}
	reversed := proof.reversed || v.reverse
	answer := newVerifyAnswer(proof)
	if proof.old != nil {
		answer.OldRoot, answer.OldRootSource, err = answer.trusted(cmd, "old-root", v.oldRoot, &proof.old.root, reversed)
		if err != nil {
			return err
		}
	}
	answer.Root, answer.RootSource, err = answer.trusted(cmd, "root", v.root, &proof.root, reversed)
	if err != nil {
		return err
	}
	if err := proof.verify(proof.root); err != nil {
		answer.Reason = err.Error()
	}
	if err := v.content.compare(cmd, proof, &answer); err != nil {
		return err
	}
	answer.OK = answer.Reason == ""
	return v.print(cmd, answer)
}

// trusted puts the root of a flag in the place of the proof's own. Without the
// flag it adds a warning.
func (a *verifyAnswer) trusted(cmd *cobra.Command, flag, text string, root *merkle.Hash, reversed bool) (shown, source string, err error) {
	source = "flag"
	if cmd.Flags().Changed(flag) {
		if *root, err = merkle.ParseHash(text, reversed); err != nil {
			return "", "", usagef("--%s %q: %w", flag, text, err)
		}
	} else {
		source = "proof"
		a.Warnings = append(a.Warnings,
			fmt.Sprintf("checked against the %s that the proof itself carries; give the root you trust with --%s", strings.ReplaceAll(flag, "-", " "), flag))
	}
	return merkle.FormatBytes(root[:], reversed), source, nil
}

func (v *merkleVerify) read(cmd *cobra.Command) (heldProof, error) {
	p, err := withInput(cmd, v.proof, func(_ context.Context, r io.Reader, name string) (p heldProof, err error) {
		data, err := io.ReadAll(io.LimitReader(r, maxProofBytes+1))
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		if len(data) > maxProofBytes {
			return p, fmt.Errorf("%w: %s is larger than %d bytes", merkle.ErrProofFormat, name, maxProofBytes)
		}
		if p, err = decodeProofDocument(data); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	})
	switch {
	case err != nil:
		return p, err
	case v.scheme != "" && v.scheme != p.scheme:
		return p, usagef("--scheme %s, but the proof is of scheme %s; leave --scheme out or take the other proof", v.scheme, p.scheme)
	case v.reverse && !p.display:
		return p, usagef("--reverse is bitcoin's display order; %s has none: leave it out", p.scheme)
	case cmd.Flags().Changed("old-root") && p.old == nil:
		return p, usagef("--old-root is of consistency proofs, and this one is of kind %s: leave it out", p.kind)
	}
	return p, v.content.checkKind(p)
}

func (v *merkleVerify) print(cmd *cobra.Command, a verifyAnswer) error {
	for _, w := range a.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "weir: warning: %s\n", w)
	}
	var err error
	switch {
	case v.json:
		err = printJSON(cmd.OutOrStdout(), a)
	case a.OK:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "valid: %s under root %s (%s)\n%s", a.what(), a.Root, a.Scheme, a.more())
	default:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "invalid: %s\n", a.Reason)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	if !a.OK {
		return failf("the proof does not hold: %s", a.Reason)
	}
	return nil
}

// what says what is proven, up to the root.
func (a *verifyAnswer) what() string {
	var text string
	switch {
	case a.OldSize != nil:
		return fmt.Sprintf("the %d leaves under %s are the first of the %d", *a.OldSize, a.OldRoot, a.Size)
	case a.First != nil:
		text = fmt.Sprintf("leaves %d to %d of %d are", *a.First, *a.Last, a.Size)
	case a.Indices != nil:
		const shown = 20
		text = fmt.Sprintf("leaves %s of %d are", joinNumbers(a.Indices, shown), a.Size)
	case a.Kind == kindBLAKE3:
		text = fmt.Sprintf("chunk %d of %d bytes is", *a.Index, a.Size)
	default:
		text = fmt.Sprintf("leaf %d of %d is", *a.Index, a.Size)
	}
	if a.MixInLength != nil {
		text += fmt.Sprintf(" in a list of %d elements", *a.MixInLength)
	}
	return text
}

// joinNumbers lists at most shown numbers.
func joinNumbers(numbers []uint64, shown int) string {
	var texts []string
	for _, n := range numbers[:min(shown, len(numbers))] {
		texts = append(texts, strconv.FormatUint(n, 10))
	}
	if len(numbers) > shown {
		texts = append(texts, fmt.Sprintf("... (%d of them)", len(numbers)))
	}
	return strings.Join(texts, ", ")
}

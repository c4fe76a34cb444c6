package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// maxProofBytes bounds a proof file: the longest leaf of a leaf file fits.
const maxProofBytes = 128 << 20

type merkleVerify struct {
	proof, root, scheme string
	reverse, json       bool
	content             leafContent
}

func newMerkleVerifyCmd() *cobra.Command {
	var v merkleVerify
	cmd := &cobra.Command{
		Use:   "verify --proof FILE --root HEX",
		Short: "Verify a proof that weir merkle prove --json printed",
		Long: `Verify that a proof's leaf is in the tree with the given root. FILE is what
weir merkle prove --json printed (- for standard input).

Give the root that you trust with --root. Without it the proof is checked
against the root it carries itself, with a warning: that shows that it is whole,
not that the leaf is in any tree you know. The size, too, is the proof's own
word; the JSON output repeats it.

--content FILE also checks that the leaf is what FILE holds: all of it, with
--chunk N the chunk of the proof's index, and with --dir its SHA-256. --dir says
that the leaf is the entry of a file and prints its path, which is yours to
compare with the name that you expect.

A bitcoin proof in display order says so itself, and --root is then read in the
same order. --reverse is for such a root beside a proof in internal order.

Exit code 0: the proof holds. 1: it does not, and the reason is printed.
2: the file or the root cannot be read.`,
		Example: `  weir merkle verify --proof proof.json --root 6e340b9cffb37a98...
  weir merkle verify --proof proof.json --root $ROOT --dir --content bin/weir
  weir merkle prove --index 0 leaves.hex --json | weir merkle verify --proof -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.proof == "" && len(args) == 1 {
				v.proof, args = args[0], nil // weir merkle verify FILE says the same
			}
			if v.proof == "" || len(args) > 0 {
				return usagef("give one proof file: --proof FILE (- for standard input)")
			}
			if err := v.content.check(cmd, v.proof); err != nil {
				return err
			}
			return v.run(cmd)
		},
	}
	cmd.Flags().StringVar(&v.proof, "proof", "", "`file` with the proof as JSON; - for standard input")
	cmd.Flags().StringVar(&v.root, "root", "", "the root that you trust, in `hex`")
	cmd.Flags().StringVar(&v.scheme, "scheme", "", "`name` of the scheme that the proof must be of")
	cmd.Flags().BoolVar(&v.reverse, "reverse", false, "read and print the root in bitcoin's display order")
	cmd.Flags().BoolVar(&v.json, "json", false, "print one JSON object")
	v.content.register(cmd)
	return cmd
}

// verifyAnswer is what verify --json prints.
type verifyAnswer struct {
	Schema     string `json:"schema"`
	OK         bool   `json:"ok"`
	Reason     string `json:"reason"` // empty if ok
	Scheme     string `json:"scheme"`
	Index      uint64 `json:"index"`
	Size       uint64 `json:"size"`
	Root       string `json:"root"`
	RootSource string `json:"root_source"` // flag, or proof: not trusted
	// File is the entry of a file, with --dir; null without.
	File     *fileAnswer `json:"file"`
	Content  string      `json:"content"` // what the leaf was compared with; empty: nothing
	Warnings []string    `json:"warnings"`
}

func (v *merkleVerify) run(cmd *cobra.Command) error {
	proof, err := v.read(cmd)
	if err != nil {
		return err
	}
	reversed := proof.reversed || v.reverse
	answer := verifyAnswer{
		Schema: merkleSchema, Scheme: proof.Scheme.Name(), Index: proof.Index, Size: proof.Size,
		RootSource: "flag", Warnings: []string{},
	}
	root := proof.Root
	if cmd.Flags().Changed("root") {
		if root, err = merkle.ParseHash(v.root, reversed); err != nil {
			return usagef("--root %q: %w", v.root, err)
		}
	} else {
		answer.RootSource = "proof"
		answer.Warnings = append(answer.Warnings,
			"checked against the root that the proof itself carries; give the root you trust with --root")
	}
	answer.Root = merkle.FormatBytes(root[:], reversed)
	if err := proof.Verify(root); err != nil {
		answer.Reason = err.Error()
	}
	if err := v.content.compare(cmd, proof.Proof, &answer); err != nil {
		return err
	}
	answer.OK = answer.Reason == ""
	return v.print(cmd, answer)
}

// decodedProof is a proof and the byte order that its file is in.
type decodedProof struct {
	merkle.Proof
	reversed bool
}

func (v *merkleVerify) read(cmd *cobra.Command) (decodedProof, error) {
	p, err := withInput(cmd, v.proof, func(_ context.Context, r io.Reader, name string) (p decodedProof, err error) {
		data, err := io.ReadAll(io.LimitReader(r, maxProofBytes+1))
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		if len(data) > maxProofBytes {
			return p, fmt.Errorf("%w: %s is larger than %d bytes", merkle.ErrProofFormat, name, maxProofBytes)
		}
		if p.Proof, p.reversed, err = merkle.DecodeProof(data); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	})
	switch {
	case err != nil:
		return p, err
	case v.scheme != "" && v.scheme != p.Scheme.Name():
		return p, usagef("--scheme %s, but the proof is of scheme %s; leave --scheme out or take the other proof",
			v.scheme, p.Scheme.Name())
	case v.reverse && !p.Scheme.HasDisplayOrder():
		return p, usagef("--reverse is bitcoin's display order; %s has none: leave it out", p.Scheme.Name())
	}
	return p, nil
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
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "valid: leaf %d of %d is under root %s (%s)\n%s", a.Index, a.Size, a.Root, a.Scheme, a.more())
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

package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/chainweir/weir/hash"
)

// ReadBLAKE3Proof reads a message to its end and proves its chunk index, with at
// most workers goroutines (0: one for each processor), none of which outlives
// the call. Memory is 8 MiB and 32 bytes for each chunk (doubled while the list
// grows), a small part of the message.
//
// ErrIndexRange: the message has no such chunk. ErrLeafFile: it cannot be read,
// or is longer than 256 GiB. Reading ends early with the context's error, at the
// latest when the reader returns.
func ReadBLAKE3Proof(ctx context.Context, r io.Reader, index uint64, workers int) (BLAKE3Proof, error) {
	m := blake3Reader{proof: BLAKE3Proof{Index: index, Chunk: []byte{}}}
	m.crew = newCrew(workers, m.hashPiece)
	buf := make([]byte, chunkReadBytes)
	for last := false; !last; {
		if err := ctx.Err(); err != nil {
			return BLAKE3Proof{}, fmt.Errorf("merkle: BLAKE3 tree, after %d bytes: %w", m.proof.Size, err)
		}
		n, err := io.ReadFull(r, buf)
		last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return BLAKE3Proof{}, fmt.Errorf("%w: after %d bytes: %w", ErrLeafFile, m.proof.Size+uint64(n), err)
		}
		if err := m.add(ctx, buf[:n]); err != nil {
			return BLAKE3Proof{}, err
		}
	}
	return m.finish(ctx, workers)
}

// blake3Reader collects the chaining values of a message, block by block.
type blake3Reader struct {
	proof BLAKE3Proof
	cvs   []byte
	alone Hash // the digest, if the message is one chunk
	crew  *crew

	data []byte // the whole chunks of the current block
	out  []byte // where their values go
	lo   uint64 // number of the first of them
}

// add hashes a block, whole chunks unless the message ends with it.
func (m *blake3Reader) add(ctx context.Context, block []byte) error {
	before := m.proof.Size / BLAKE3ChunkSize
	if n := BLAKE3Chunks(uint64(len(block))); before+n > maxLeafLines {
		return fmt.Errorf("%w: more than %d chunks of %d bytes; use rfc6962 and larger chunks",
			ErrLeafFile, maxLeafLines, BLAKE3ChunkSize)
	}
	if m.proof.Size == 0 && len(block) <= BLAKE3ChunkSize {
		m.alone = hash.BLAKE3(block)
	}
	if i := m.proof.Index; i >= before && i-before < BLAKE3Chunks(uint64(len(block))) && len(block) > 0 {
		at := int(i-before) * BLAKE3ChunkSize
		m.proof.Chunk = slices.Clone(block[at:min(at+BLAKE3ChunkSize, len(block))])
	}
	m.proof.Size += uint64(len(block))
	whole := len(block) / BLAKE3ChunkSize
	had := len(m.cvs)
	m.cvs = append(m.cvs, make([]byte, whole*HashSize)...)
	m.data, m.out, m.lo = block[:whole*BLAKE3ChunkSize], m.cvs[had:], before
	if err := m.crew.run(ctx, (whole+blake3Piece-1)/blake3Piece); err != nil {
		return fmt.Errorf("merkle: BLAKE3 tree, after %d bytes: %w", m.proof.Size, err)
	}
	if tail := block[whole*BLAKE3ChunkSize:]; len(tail) > 0 {
		cv, err := hash.BLAKE3Chunk(tail, before+uint64(whole))
		if err != nil {
			return fmt.Errorf("merkle: BLAKE3 tree, after %d bytes: %w", m.proof.Size, err)
		}
		m.cvs = append(m.cvs, cv[:]...)
	}
	return nil
}

func (m *blake3Reader) hashPiece(_ context.Context, _, piece int) error {
	lo := piece * blake3Piece
	hi := min(lo+blake3Piece, len(m.out)/HashSize)
	return hash.BLAKE3Chunks(m.out[lo*HashSize:hi*HashSize], m.data[lo*BLAKE3ChunkSize:hi*BLAKE3ChunkSize], m.lo+uint64(lo))
}

// finish makes the proof out of the values.
func (m *blake3Reader) finish(ctx context.Context, workers int) (BLAKE3Proof, error) {
	p := m.proof
	n := BLAKE3Chunks(p.Size)
	if err := checkIndex(p.Index, n); err != nil {
		return BLAKE3Proof{}, err
	}
	if n == 1 {
		p.Root, p.Path = m.alone, []Hash{}
		return p, nil
	}
	_, path, err := NewBuilder(blake3Nodes, workers).Path(ctx, Nodes(m.cvs), p.Index)
	if err != nil {
		return BLAKE3Proof{}, err
	}
	p.Path = path
	p.Root = blake3Climb(Hash(m.cvs[p.Index*HashSize:]), p.Index, n, path)
	return p, nil
}

package store

import "errors"

// VerifyReport says what Verify went through.
type VerifyReport struct {
	Segments    int
	Records     uint64
	Bytes       int64  // of segments, without preallocated space
	FirstHeight uint64 // meaningful if Records > 0
	LastHeight  uint64
	ChainID     [32]byte // Options.ChainID, or that of the files if it was zero
}

// Verify reads every byte of the log in opts.Dir and returns the first problem:
// a *CorruptError with segment, offset and height, or one matching ErrForeign.
// It writes nothing and needs the directory free of writers. An unfinished
// write after a crash is a problem too, with CorruptError.Torn set.
//
// No log can show that its newest records are missing altogether: compare
// LastHeight with what you expect.
func Verify(opts Options) (VerifyReport, error) {
	opts.ReadOnly = true
	opts, err := opts.withDefaults()
	if err != nil {
		return VerifyReport{}, err
	}
	lock, err := lockDir(opts)
	if err != nil {
		return VerifyReport{}, err
	}
	ld := &loader{fs: opts.FS, blocks: blocksDir(opts.Dir), chainID: opts.ChainID, full: true}
	err = ld.run()
	if err == nil {
		err = ld.tornError()
	}
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	rep := VerifyReport{Segments: len(ld.segments), Records: ld.records, Bytes: ld.bytes, ChainID: ld.chainID}
	if ld.records > 0 {
		rep.FirstHeight, rep.LastHeight = ld.first, ld.want.height-1
	}
	if err != nil {
		return rep, openError(opts.Dir, err)
	}
	return rep, nil
}

// tornError is the problem a repairable tail is for Verify.
func (ld *loader) tornError() error {
	rep := ld.report()
	if !rep.Found {
		return nil
	}
	return &CorruptError{Path: rep.Path, Segment: rep.Segment, Offset: rep.Offset, Height: rep.FromHeight,
		Reason: rep.Reason, Torn: true}
}

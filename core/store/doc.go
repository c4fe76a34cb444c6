// Package store is the node's block log: an append-only sequence of records,
// one per height, in segment files. It knows nothing about blocks: a payload
// is bytes, and package core decides what they mean.
//
// # What it promises
//
// A record whose Sync returned nil is there, byte for byte, after the process
// is killed or the machine loses power. A record whose Sync did not return may
// be there whole or not at all, never in part. Readers see a record only once
// it is synced. After any failed write or sync the log refuses further writes
// (ErrPoisoned): a failed fdatasync must not be retried, because the kernel may
// have dropped the very pages that failed and would then report success.
//
// # Files
//
//	DIR/LOCK                        one writer, or any number of readers
//	DIR/blocks/seg-0000000001.log   segments, numbered without gaps
//	DIR/blocks/seg-0000000001.idx   where its records are; made again when missing
//	DIR/blocks/pruned               which segment is the first, if not segment 1
//
// All integers are little-endian. Everything starts on a 4096-byte page, so
// that the same files can be written with O_DIRECT.
//
//	segment header (first page; bytes 128..4095 are zero)
//	  0  magic "WEIRLOG1"          64  created, Unix ns      u64
//	  8  format version      u32   72  nonce (random)        u64
//	 12  mark 0x01020304     u32   80  CRC of the last record
//	 16  chain id          [32]        of the segment before u32
//	 48  segment number      u64   84  zero
//	 56  first height        u64  124  CRC-32C of 0..123     u32
//
//	record (then the payload, then zeros up to the next page)
//	  0  magic "WREC"        u32   24  CRC of the record before  u32
//	  4  CRC-32C of all that       28  zero                      u32
//	     follows, without          32  durable below             u64
//	     the padding         u32   40  the segment's nonce       u64
//	  8  payload length      u32   48  zero
//	 12  flags: zero, a flag       64  payload
//	     needs a new version u32
//	 16  height              u64
//
//	pruned (128 bytes)
//	  0  magic "WEIRCUT1"          56  first height           u64
//	  8  format version      u32   64  CRC of the last record
//	 12  mark 0x01020304     u32       that was pruned        u32
//	 16  chain id          [32]    68  1: restarted, else 0   u32
//	 48  first segment       u64   72  restarted: anchor    [32]
//	                              104  zero
//	                              124  CRC-32C of 0..123      u32
//
// The layout of the first 128 bytes of a segment stays the same in later
// versions, so that any version can tell which one it is looking at.
//
// # Torn tail or corruption
//
// A crash can leave any mixture of the sectors written since the last sync, so
// with several records per sync a bad record followed by a good one may be
// perfectly normal. Each record therefore says below which height everything
// was already synced when it was written ("durable below"). Recovery stops at
// the first bad record, of height h, of the last segment. If any later valid
// record says that h was durable, h was lost after it was promised: that is
// corruption, and nothing is touched. Otherwise nothing from h on is proven to
// have been promised, and the tail is cut and reported. The nonce keeps a
// payload that contains the image of a record from being taken for one.
//
// What this cannot tell: damage to the very last synced group, with nothing
// written after it, looks the same as an unfinished write. It is cut and
// reported in RepairReport, never silently.
//
// Segments before the last one were synced before their successor was created;
// anything bad in them is corruption. Opening reads their indexes, and of the
// last segment the headers and the end; damage to a payload that was synced long
// ago is found when it is read, and by Verify.
//
// # Pruning
//
// The file that names the first segment is written aside, synced, renamed, and
// the rename synced, before the first segment goes: a power loss leaves the old
// beginning with everything, or the new one with some files too many, which do
// not count and are removed by the next Open. A gap anywhere else is corruption.
//
// Restart empties the log in the same way and says in that file that the segment
// it names may still be missing. Nothing else makes a log right that has no record
// and does not begin at the start.
//
// # Writing past the page cache
//
// Options.Direct. A block is copied once, into a page-aligned buffer, and one
// write takes it to the device; one fdatasync then makes it durable. Segments are
// preallocated, so that the write need not change the file's size. Append may
// run while another goroutine is in Sync: the next block is copied, summed and
// written while the last one is synced.
package store

// Package merkle builds Merkle trees over lists of leaves, and proves and checks
// what is in them. A root is its fast path: batches of nodes go to package hash,
// work is spread over cores by subtree, and a [Builder] that is used again
// allocates nothing. Proofs are checked without allocating.
//
// What follows is a tour. Each step has an example that runs, under the name of
// the function it is about.
//
// # Choose a scheme
//
// A tree is built in layers. Where a layer has an odd number of nodes, the
// [Scheme] says what becomes of the last one. Seven leaves give:
//
//	RFC 6962: it moves up unchanged      Bitcoin: it is paired with itself
//
//	           root                                 root
//	         /      \                             /      \
//	       *          *                         *          *
//	     /   \      /   \                     /   \      /   \
//	    *     *    *     6                   *     *    *     *
//	   / \   / \  / \                       / \   / \  / \   / \
//	  0   1 2   3 4  5                     0   1 2   3 4  5 6   6
//
//	scheme         for                        leaf               node
//	RFC6962        new designs, CT logs       SHA-256(0x00 ‖ x)  SHA-256(0x01 ‖ l ‖ r)
//	CometBFT       CometBFT's blocks          as RFC6962         as RFC6962
//	Bitcoin        Bitcoin's blocks           x, of 32 bytes     SHA-256(SHA-256(l ‖ r))
//	SSZ, SSZLimit  Ethereum's consensus       x, of 32 bytes     SHA-256(l ‖ r)
//	PlainSHA256    what other programs made   SHA-256(x)         SHA-256(l ‖ r)
//	PlainBLAKE3    what other programs made   BLAKE3(x)          BLAKE3(l ‖ r)
//
// [RFC6962] (RFC 6962, RFC 9162) keeps leaves and nodes apart by a prefix byte
// and is the one to take where nothing else is asked for. [Bitcoin] is there for
// interoperability: its pairing lets two different lists share a root
// (CVE-2012-2459), which this package detects and reports as [ErrMutated]. The
// plain trees have no such care taken; read their warning.
//
// # The root of a list
//
// [Root] takes leaves as slices, as records side by side, or as nodes that are
// hashed already; see [Input]. The last argument bounds the goroutines, 0 being
// one for each processor. A node that hashes block after block keeps a [Builder].
//
//	root, err := merkle.Root(ctx, merkle.RFC6962, merkle.Leaves(payments), 0)
//
// # Keep a tree and prove
//
// A [Tree] keeps every layer, 64 bytes a leaf, and makes a proof without hashing.
// For one proof of a list, [Builder.Proof] takes less memory.
//
//	tree, err := merkle.Build(ctx, merkle.RFC6962, merkle.Leaves(payments), 0)
//	path, err := tree.Path(2)
//
// # Verify with the root, the size and the leaf
//
// The verifier needs nothing of the list. A path has to have exactly the nodes
// that index and size ask for, and each way to fail has its own error, such as
// [ErrPathLength], [ErrIndexRange] and [ErrRootMismatch].
//
//	err = merkle.VerifyInclusion(merkle.RFC6962, root, []byte("pay 3"), 2, 7, path)
//
// [Proof] holds all of that and has a JSON form, which the weir command writes
// and [DecodeProof] reads, strictly.
//
// # Several leaves at once
//
// A multi-proof of k leaves leaves out what the verifier computes from the
// others; a range proof is that for neighbours, without a list of indices.
//
//	path, err := tree.MultiPath(indices)
//	path, err := tree.RangePath(2, 4)
//
// They go to [VerifyMulti] and [VerifyRange]. Many proofs that have nothing to do
// with each other, such as those of many clients, are several times faster in a
// batch: see [Verifier.Inclusions].
//
// # A log that grows
//
// A [Log] appends leaves to a tree whose odd nodes move up and keeps only the
// roots of its complete subtrees, 64 at most. Its complete nodes go to a
// [NodeSink], such as a [NodeFile], from which a [LogReader] makes the roots and
// proofs of any size that the log ever had.
//
//	err = log.Append(ctx, merkle.Leaves([][]byte{[]byte("a"), []byte("b"), []byte("c")}))
//
// A consistency proof says that the log of now continues the one of then:
//
//	path, err := reader.ConsistencyPath(size1, size2)
//	err = merkle.VerifyConsistency(merkle.RFC6962, size1, size2, root1, root2, path)
//
// # Change some leaves
//
// [Tree.Update] replaces k leaves of n and hashes the nodes above them once each,
// all or nothing.
//
//	err = tree.Update(ctx, []uint64{7, 900}, merkle.Leaves(changed))
//
// # Leaves that do not fit memory
//
// [RootReader] cuts a stream into leaves, [RootSeq] takes leaves from a sequence
// or, with [ReceiveLeaves], from a channel. Memory is about 1 MiB and as much for
// each worker, whatever the length. [ReadChunks], [ReadLeaves] and [ReadDir]
// make leaves of a file's chunks, of lines of hex and of a directory's files.
//
//	root, chunks, err := merkle.RootReader(ctx, merkle.RFC6962, file, 4096, 0)
//
// # SSZ: Ethereum's consensus layer
//
// [SSZ] pads with zeros to a power of two, and [SSZLimit] as deep as a list type's
// limit says. No zero is hashed: where the list ends, roots of zero subtrees come
// from a table.
//
//	SSZ: three chunks                    SSZLimit(8): three chunks, always three layers
//
//	                                              root
//	           root                             /      \
//	         /      \                          *       Z2    Z2 = root of four zeros
//	       *          *                      /   \
//	     /   \      /   \                   *     *
//	    0     1    2    Z0                 / \   / \
//	                                      0   1 2   Z0       Z0 = one zero chunk
//
// A list's root has its length mixed in:
//
//	root, err := merkle.Root(ctx, merkle.SSZLimit(limit), chunks, 1)
//	root = merkle.MixInLength(root, uint64(len(balances)))
//
// Fields of objects are proven by generalized index, with [VerifyGeneralized].
//
// # BLAKE3: any kilobyte of a file
//
// BLAKE3's own tree is apart from the schemes, since its leaves are numbered. Its
// root is the BLAKE3 digest of a file, so whoever has digest and length checks
// any chunk of 1024 bytes by itself. [BuildBLAKE3] keeps what proofs of many
// chunks take.
//
//	err = merkle.VerifyBLAKE3Chunk(digest, chunk, 4, uint64(len(file)), path)
//
// A file that is verified while it arrives goes with its tree in the Bao format:
// [EncodeBao] and [NewBaoReader] for a stream of both, [EncodeBaoOutboardAt] and
// [NewBaoOutboardReader] for a tree beside the file, [BaoSlice] for a part of it.
//
//	outboard, root, err := merkle.EncodeBaoOutboardAt(context.Background(), file, file.Size(), 0)
//
// # Share the cores
//
// Calls that run at the same time share a bound on goroutines through their
// context: see [Workers].
//
//	tree, err := merkle.Build(shared.With(ctx), merkle.RFC6962, merkle.Leaves(block), 0)
//
// # What to trust
//
// Take root and size from a place you trust, such as a signed tree head or a
// block header, and only leaf, index and path from the prover.
//
// The size is part of what is proven, but the root of a tree does not commit to
// it. RFC 6962 signs it beside the root, SSZ mixes it into the root of a list,
// Bitcoin has it nowhere. A proof holds for every size in which the leaf climbs
// the same way: in RFC 6962's tree leaf 0 of 6 is also leaf 0 of 5, 7 and 8. At
// the size that is trusted, another index and any other bit of leaf, path or root
// are refused.
//
// What a stranger sends may be of any form. Decoders and readers take memory in
// proportion to the bytes that came, never to the sizes these claim, and sizes
// are 64-bit numbers throughout.
package merkle

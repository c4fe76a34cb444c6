package merkle

// CometBFT is the tree of CometBFT (formerly Tendermint) blocks, as its
// specification spec/core/encoding.md and its package crypto/merkle define it:
// the root behind a header's DataHash, ValidatorsHash, LastResultsHash and the
// others. It is the tree of RFC 6962, which that specification names as its
// source, so the split is at the largest power of two below the number of
// leaves and the empty root is SHA-256 of nothing. It has a name of its own
// because a proof says which system's it is.
//
// A leaf is what the block hashes: for DataHash the 32-byte SHA-256 of a
// transaction, for the other lists an encoded element. The aunts of a CometBFT
// proof are the path here, in the same order, and its total is the size.
var CometBFT = RFC6962.named("cometbft")

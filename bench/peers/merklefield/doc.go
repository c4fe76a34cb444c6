// Package merklefield enters weir's Merkle trees and the libraries they are
// compared with into contests: the rows of the table that package merkle is held
// to, each with its input, its answer by a third way, and what is required.
//
// Peers are called as their own users call them. Their garbage is collected
// outside the clock, which favours them.
package merklefield

// Package plan answers what-if questions from records: can so many nodes with so
// many cores behind such a link carry a rate of transactions of some size, with
// some headroom, and if not, what stops them and what would lift it.
//
// A plan is arithmetic on measured demands (bench/capacity): every role of a
// node has a demand per resource, each demand a wall at 1/D, and the lowest wall
// is the first. Nothing is assumed about distributions; what the records do not
// show is assumed in words, and predictions far from what was measured are
// stamped. The functions are pure: records in, a plan out.
package plan

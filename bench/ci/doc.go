// Package ci decides whether a change made a program slower.
//
// Two commands, base and head, run in rounds. A round has three runs, each of a
// process of its own: base, head, and base a second time as the control. Base
// and head follow each other in the Thue–Morse order (ABBA BAAB …), rounds come
// in pairs that mirror each other, and the first round is thrown away. What a
// round says about a metric is one number, the logarithm of head over the
// geometric mean of its two base runs; what it says about noise is another, the
// logarithm of control over base. The two are uncorrelated, so that the control
// speaks about the same minutes and still decides nothing itself.
//
// The control alone also says how many rounds are needed: it knows nothing of
// head, so that a look at it after every round leaves the error rate alone.
//
// A verdict is the Wilcoxon signed-rank test's, over metrics by Benjamini and
// Hochberg, with the interval that inverts the test. A change that is found is
// measured a second time, and counts only if it is found again.
package ci

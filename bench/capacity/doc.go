// Package capacity turns service demands into bounds: how many resource
// seconds one committed transaction costs, which resource runs out first, at
// which rate, and which one stands behind it. It also says at which rate an
// Ethernet link of a given speed would be the wall.
//
// The arithmetic is that of operational analysis (Denning and Buzen 1978): in
// any interval the utilisation of a resource is throughput times demand, and
// as no resource can be busier than always, X ≤ 1/max D. Nothing is assumed
// about distributions. The bound is a ceiling, not a forecast: queueing and
// locks keep a system below it.
//
// Models say how a system bends before its bound: the USL, Amdahl's law, the
// asymptotic bounds and the cost of a byte fitted to points, the choice between
// them, M/M/m and closed networks. docs/capacity.md says when not to believe
// them.
//
// The functions are pure. An unknown demand is nil and never takes part; it
// is not zero.
package capacity

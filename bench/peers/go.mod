// Other people's hash libraries beside weir's. A module of its own, so that
// programs that use weir's packages do not inherit the libraries that weir is
// compared with.
module github.com/chainweir/weir/bench/peers

go 1.26.0

replace github.com/chainweir/weir => ../..

require (
	github.com/OffchainLabs/hashtree v0.2.5
	github.com/chainweir/weir v0.0.0-00010101000000-000000000000
	github.com/cometbft/cometbft v0.40.0
	github.com/klauspost/cpuid/v2 v2.4.2
	github.com/mattn/go-isatty v0.0.24
	github.com/minio/sha256-simd v1.0.1
	github.com/prysmaticlabs/gohashtree v0.0.4-beta
	github.com/transparency-dev/merkle v0.0.2
	github.com/zeebo/blake3 v0.2.4
	golang.org/x/perf v0.0.0-20260908200009-22c9c6c9d4da
	lukechampine.com/blake3 v1.4.1
	pgregory.net/rapid v1.3.0
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/aclements/go-moremath v0.0.0-20210112150236-f10218a38794 // indirect
	github.com/cosmos/gogoproto v1.7.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	gonum.org/v1/gonum v0.17.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

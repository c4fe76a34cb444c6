# weir: see `make help`. Only Go and make are needed for run and test.
GO ?= go
BIN := bin/weir
GOLANGCI_VERSION := v2.15.0
GOBIN_DIR := $(CURDIR)/bin
# Git refuses checkouts of another user; the build must not fail for that.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

.DEFAULT_GOAL := help
.PHONY: help build run test race lint generate generate-asm generate-proto bench bench-hash bench-merkle bench-core bench-load bench-cometbft check-report test-peers test-faults test-fair fuzz check check-measure clean FORCE

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(BIN) ## Build bin/weir

$(BIN): FORCE
	@mkdir -p bin
	$(GO) build -buildvcs=$(VCS) -o $@ ./cmd/weir

run: build ## Find the knee of a node on this machine, watch its wire, name the wall
	./$(BIN) run

test: ## Run all tests (some need root and say so when they have not)
	$(GO) test -timeout 10m ./...

race: ## Run the tests under the race detector
	$(GO) test -race -timeout 20m ./...

lint: ## Run go vet and the pinned golangci-lint (installs it under bin/)
	$(GO) vet ./...
	@test -x $(GOBIN_DIR)/golangci-lint || GOBIN=$(GOBIN_DIR) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	$(GOBIN_DIR)/golangci-lint run --allow-parallel-runners ./...
	cd bench/peers && $(GO) vet ./... && $(GO) vet -tags browser,peers ./... && $(GOBIN_DIR)/golangci-lint run --allow-parallel-runners ./...
	cd asm/_gen && $(GO) vet ./... && $(GOBIN_DIR)/golangci-lint run --allow-parallel-runners ./...
	cd core/rpc/grpcapi/_gen && $(GO) vet ./... && $(GOBIN_DIR)/golangci-lint run --allow-parallel-runners ./...

# version digests what all the others write, so it has to be the last to run.
generate-asm: ## Rebuild the assembly under asm/
	cd asm/_gen && $(GO) generate ./...
	cd asm/_gen && $(GO) generate ./version

generate-proto: ## Rebuild the Go code of the gRPC interface (needs no protoc)
	$(GO) generate ./core/rpc/grpcapi/...

generate: generate-asm generate-proto ## Rebuild the assembly and the eBPF objects (needs clang and llvm-strip)
	$(GO) generate ./bench/probe/...

bench: build ## Short benchmarks: hash kernels, Merkle trees, node pipeline
	./$(BIN) hash
	./$(BIN) merkle bench
	$(GO) test -run '^$$' -bench 'Pipeline|StateRoot' -benchtime 2s ./core

bench-hash: ## Hash kernels beside other libraries: ratios with intervals (half a minute)
	@mkdir -p bin
	cd bench/peers && $(GO) build -buildvcs=$(VCS) -o $(CURDIR)/bin/hashpeers ./hashpeers
	./bin/hashpeers --bench bin/hashpeers.txt

bench-merkle: ## Merkle trees beside other libraries: ratios with intervals (a minute)
	@mkdir -p bin
	cd bench/peers && $(GO) build -buildvcs=$(VCS) -o $(CURDIR)/bin/merklepeers ./merklepeers
	./bin/merklepeers --bench bin/merklepeers.txt

bench-core: build ## Every figure asked of the node: asked, measured, met or not (6 minutes)
	./$(BIN) node bench --rounds 6 --at-least --bench bin/corebench.txt

bench-load: ## The load generator: rate fidelity, capacity, coordinated omission (3 minutes)
	@mkdir -p bin
	$(GO) test -count=1 -tags measure -c -o bin/loadgen.test ./loadgen
	./bin/loadgen.test -test.run 'Measured(Rate|Gaps|Bursty|Capacity|Omission)' -test.timeout 15m

bench-cometbft: build ## The node beside CometBFT, both at their knee (10 minutes; builds CometBFT the first time)
	@mkdir -p bin
	cd bench/peers && $(GO) build -buildvcs=$(VCS) -o $(CURDIR)/bin/nodepeers ./nodepeers
	./bin/nodepeers --bin bin/peers --weir $(BIN) --dir bin --at-least 3.5

check-report: ## Open reports and comparisons in headless Chromium; pictures in bin/pages (a minute)
	cd bench/peers && WEIR_SCREENSHOTS=$(CURDIR)/bin/pages $(GO) test -count=1 -tags browser -v ./browser

test-peers: ## weir run against real CometBFT and go-ethereum (minutes; builds both the first time)
	cd bench/peers && $(GO) test -count=1 -tags peers -run 'TestRun(CometBFT|Geth)' -v -timeout 30m ./nodepeers

# 200 kills under load, a hundred of each disk fault, 10 000 connections, every
# flipped byte of a small log; last what one attacker costs the others (two
# minutes for each of three attacks, on a machine that does nothing else).
# A test of core asserts that FAULTS matches every test of faults and attackers.
FAULTS := Kill|Power|Disk|ReadErrors|Flip|Fail|Lost|Missing|Connections|Client|Reader|Busy|Sign|SmallOrder|Replay|Absurd|Member|Removal|Tampered|Told|Workers|Kinds|LargeBlocks|Hostile|Hold|HeldBack|Damage|BadSnap|NoSpace|HalfFrame|InFlight|Rate|TooMany|Bounded|TLS|Larger|Stuck|Unwritable|ReadOnly|Wycheproof|CCTV|Facts|Suspect|Forked|Misplaced|Tail|Unfinished|Modes|Image|Check|Import|Crash|Survives|Injected|FreeBytes|Lying|Prun|Proof|Chance|Index|Refuse|ThatCannot|Foreign|Fault|OneSender|NoLeaf|Behaves|OfNothing|Hints|EveryPosition|RFC8032|Preallocation
FAULT_PACKAGES := ./core ./core/store/... ./core/rpc/... ./core/state ./core/verify ./core/fair ./cmd/weir

test-faults: ## Faults and attackers in full numbers, with a summary (half an hour)
	@mkdir -p bin
	@WEIR_FAULTS=1 $(GO) test -count=1 -timeout 60m -v -run '$(FAULTS)' $(FAULT_PACKAGES) > bin/test-faults.log 2>&1; \
	tests=$$?; grep -E '^(--- |ok|FAIL|panic)|^ +[a-z_]+_test.go:' bin/test-faults.log; \
	$(MAKE) --no-print-directory test-fair; fair=$$?; \
	echo; echo "test-faults: $$(grep -c '^--- PASS' bin/test-faults.log) passed, $$(grep -c '^--- FAIL' bin/test-faults.log) failed, $$(grep -c '^ *--- SKIP' bin/test-faults.log) skipped; all in bin/test-faults.log"; \
	grep -E '^ *--- (FAIL|SKIP)' bin/test-faults.log; \
	echo "test-fair: $$(test $$fair = 0 && echo passed || echo FAILED)"; \
	test $$tests = 0 && test $$fair = 0

test-fair: ## What one attacker at 100 Mbit/s costs the others (real node, loopback)
	$(GO) test -count=1 -tags measure -run MeasuredFairness -v -timeout 30m ./cmd/weir

FUZZTIME ?= 10m
FUZZ ?= ./core/...

fuzz: ## Fuzz decoders, frames, genesis: FUZZTIME (10m) each; FUZZ=./... for all
	@set -e; for pkg in $$($(GO) list $(FUZZ)); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target for $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

check: lint test ## What CI runs, without the fresh machine

check-measure: ## Checks that depend on time: links, shaped runs, predictions, verdicts of ci, the probe's cost (root)
	$(GO) test -count=1 -tags measure -run Measured -v -timeout 20m ./bench/link
	$(GO) test -count=1 -tags measure -run Measured -v -timeout 40m ./bench/ci
	$(GO) test -count=1 -tags measure -run MeasuredManySamples -v ./loadgen
	$(GO) test -count=1 -tags measure -run 'Measured(ShapedLink|Validation|Probe)' -v -timeout 40m ./cmd/weir

clean: ## Remove what was built
	rm -rf bin

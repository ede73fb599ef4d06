# holdfast: every target works from a fresh clone and says what it lacks.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X github.com/holdfast-ha/holdfast/internal/cli.Version=$(VERSION)
export CGO_ENABLED ?= 0

# How long each fuzz target runs (make fuzz T=1m).
T ?= 10s
# How many random histories are played, and whether only one of them (make sim SEED=7).
N ?= 10000
SEED ?= 0

.PHONY: help build run test unit netns interop uml fuzz mutated soak bench asleep sim mutants lint clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## bin/holdfast, one static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/holdfast ./cmd/holdfast

run: build ## the lab: two directors, three back ends and a client in network namespaces
	./bin/holdfast lab

test: ## everything that this machine can test; as root it installs what the tests need
	./test/run.sh

unit: ## tests that need no root and no other program, with the race detector
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v /test/)

netns: build ## the binary in networks of namespaces (root)
	$(GO) test -count 1 -v ./test/netns

interop: build ## with Debian's keepalived as the other router (root)
	$(GO) test -count 1 -v ./test/interop

uml: build ## against a real IPVS, in a User Mode Linux kernel
	$(GO) test -count 1 -v ./test/uml

fuzz: ## every fuzz target for T (10s)
	./test/fuzz.sh $(T)

mutated: ## ten million mutated packets through the daemon's receive path
	HOLDFAST_PACKETS=10000000 $(GO) test -count 1 -v -run TestMutatedPackets ./internal/vrrpd

soak: ## servers that flap at random for 1000 hours of the machines' time
	HOLDFAST_SOAK=1000h $(GO) test -count 1 -v -timeout 1h -run TestSoak ./internal/director/ipvs

sim: ## N (10000) random histories of clusters in the simulator; SEED=... plays one again
	$(GO) test -count 1 -v -timeout 2h ./internal/sim -run TestRandomHistories -seeds $(N) -seed $(SEED)

mutants: ## faults of the state machine, one at a time: the simulator must catch each (M=regexp: some of them)
	$(GO) test -count 1 -v -timeout 4h ./test/mutants -all -only '$(M)'

bench: build ## ratios to Debian's keepalived, and of the proxy to HAProxy, measured in the same run (root)
	$(GO) run ./test/bench

asleep: build ## routers that are stopped for 0.1 to 60 s: who becomes a second master, who keeps the address (root, 20 minutes)
	$(GO) run ./test/bench -only asleep $(A)

lint: ## golangci-lint, pinned
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...

clean: ## remove what was built
	rm -rf bin dist

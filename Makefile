# holdfast: every target works from a fresh clone and says what it lacks.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X github.com/holdfast-ha/holdfast/internal/cli.Version=$(VERSION)
export CGO_ENABLED ?= 0

.PHONY: build run test unit race lint clean

build: ## bin/holdfast, one static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/holdfast ./cmd/holdfast

test: ## everything that this machine can test
	./test/run.sh

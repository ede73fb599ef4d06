#!/bin/bash
# Runs everything that this machine can test: make test and CI call exactly this.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
status=0
step() { echo "== $*"; "$@" || { echo "-- failed: $*"; status=1; }; }
step go vet ./...
step env CGO_ENABLED=1 go test -race ./...
exit $status

#!/bin/bash
# Runs every fuzz target of the tree for a while each: fuzz.sh [10s]
set -eu
cd "$(dirname "$0")/.."
t=${1:-10s}
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
	dir=$(dirname "$file")
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$file"); do
		echo "== $dir $target $t"
		go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$t"
	done
done

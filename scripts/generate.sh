#!/usr/bin/env bash
# Writes the files that are made from the code into a folder, docs unless one
# is named. scripts/test.sh calls it with another folder and compares.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-docs}
# Through a variable: a program that fails must not leave half a file behind.
schema=$(go run ./cmd/trueup config schema)
api=$(go run ./cmd/trueup api openapi)
printf '%s\n' "$schema" >"$out/trueup.schema.json"
printf '%s\n' "$api" >"$out/openapi.json"
# The README says how many bugs are planted; a test in docs compares.
bugs=$(go run ./proof/cmd/trueup-sim -planted list)
if [ "$out" = docs ]; then
	# What is proved of each tool; a test in internal/app compares.
	table=$(go run ./proof/cmd/trueup-tools docs/connectors/README.md)
	printf '%s\n' "$table" >docs/connectors/README.md
	sed -i -E "s/[0-9]+ planted bugs/$(wc -l <<<"$bugs") planted bugs/" README.md
fi

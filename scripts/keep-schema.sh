#!/usr/bin/env bash
# Keeps a database of this schema, with a row in every table, and a digest of its
# steps, as those of a release. From then on the tests bring that database up to date
# with every change, and refuse a change of a step that was released.
#
#   bash scripts/keep-schema.sh 1.0.0
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: bash scripts/keep-schema.sh VERSION" >&2; exit 2; }
go test ./internal/store -run 'TestEveryReleasedSchema' -count=1 -keep "$1"
ls -l internal/store/testdata/released

#!/usr/bin/env bash
# Changes the pure packages in one place at a time and runs their tests. It
# prints each change that no test notices, and ends with 1 when there is one.
#
#   bash scripts/mutate.sh                    # every file, with readtarget.go; takes minutes
#   bash scripts/mutate.sh -only mapping      # the files whose path contains it
#   bash scripts/mutate.sh -sample 12 -seed 3 # some of decide, mapping and identity
#
# scripts/test.sh tries all changes of decide, mapping and identity.
#
# A change that makes no difference goes, with its reason, into
# proof/cmd/trueup-mutate/equivalent.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
go run ./proof/cmd/trueup-mutate "$@"

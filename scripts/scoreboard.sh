#!/usr/bin/env bash
# Runs what docs/reliability.md describes, at length, and writes what it printed
# into docs/scoreboard.md, with the commit it ran on. It takes some hours; sizes
# can be given:
#
#   SEEDS=1000000 SWEEPS=3000 PLANTED=1000000 CUTS=2000 ROUNDS=60 FUZZ=60 bash scripts/scoreboard.sh
#
# FROM is the first seed. PARTS names some of the parts, which go to BOARD:
# histories planted cuts kills fuzz.
#
# It stops at the first program that finds something, and leaves the
# scoreboard as it was.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
from=${FROM:-0} seeds=${SEEDS:-1000000} sweeps=${SWEEPS:-3000} planted=${PLANTED:-1000000} cuts=${CUTS:-2000} rounds=${ROUNDS:-60} fuzz=${FUZZ:-60}
board=$(mktemp)
trap 'rm -f "$board"' EXIT

# section runs a program and keeps what it printed on standard output.
section() {
	local title=$1 text began=$SECONDS
	shift
	echo "== $title: $*" >&2
	text=$("$@") || {
		printf '%s\n' "$text" >&2 # what it has found
		return 1
	}
	printf '\n## %s\n\n`%s`, %s s\n\n```\n%s\n```\n' "$title" "$*" "$((SECONDS - began))" "$text" >>"$board"
}

# power cuts, without the lines of the test runner.
powercuts() {
	go -C proof/powercut test -run 'EveryOperation|RandomCuts|DoesNotSync' -v -timeout 60m . -args -cuts "$cuts" |
		sed -nE 's/^ +[a-z_]+_test\.go:[0-9]+: //p'
}

dirty=$(git status --porcelain)
[ -z "$dirty" ] || {
	echo "commit first: a number without its commit proves nothing" >&2
	exit 1
}
{
	echo '# Scoreboard'
	echo
	echo 'Written by `bash scripts/scoreboard.sh`; [reliability.md](reliability.md) explains each program.'
	echo
	printf 'Commit %s, %s, %s, %s processors (%s).\n' "$(git rev-parse --short=12 HEAD)" "$(date -u +%F)" "$(go env GOVERSION)" "$(nproc)" \
		"$(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
} >"$board"
for part in ${PARTS:-histories planted cuts kills fuzz}; do
	case $part in
	histories)
		section "Histories" go run ./proof/cmd/trueup-sim -from "$from" -seeds "$seeds" -sqlite 10000
		section "Histories with comparisons" go run ./proof/cmd/trueup-sim -seeds "$sweeps" -sweeps
		;;
	planted) # it fails when one is not found
		section "Planted bugs" go run ./proof/cmd/trueup-sim -planted all -seeds "$planted"
		found=$(sed -n '/^## Planted bugs/,$p' "$board" | grep -cE '^[a-z0-9_]+ +([0-9]+|a test) ')
		printf '\nall %s are found\n' "$found" >>"$board"
		;;
	cuts) section "Power cuts" powercuts ;;
	kills) section "Kills" go run ./proof/cmd/trueup-kill -rounds "$rounds" ;;
	fuzz)
		section "Fuzzing" bash scripts/fuzz.sh "$fuzz"
		section "Signature vectors" go test ./internal/signature -run Vector -count 1
		;;
	*)
		echo "there is no part $part" >&2
		exit 1
		;;
	esac
done
cp "$board" "${BOARD:-docs/scoreboard.md}"

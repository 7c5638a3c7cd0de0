#!/usr/bin/env bash
# Runs what docs/reliability.md describes, at length, and writes what it printed
# into docs/scoreboard.md, with the commit it ran on. It takes some hours; sizes
# can be given:
#
#   SEEDS=1000000 SWEEPS=3000 PLANTED=1000000 CUTS=2000 ROUNDS=60 FUZZ=60 bash scripts/scoreboard.sh
#
# It stops at the first programme that finds something, and leaves the
# scoreboard as it was.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
seeds=${SEEDS:-1000000} sweeps=${SWEEPS:-3000} planted=${PLANTED:-1000000} cuts=${CUTS:-2000} rounds=${ROUNDS:-60} fuzz=${FUZZ:-60}
board=$(mktemp)
trap 'rm -f "$board"' EXIT

# section runs a programme and keeps what it printed on standard output.
section() {
	local title=$1 text began=$SECONDS
	shift
	echo "== $title: $*" >&2
	text=$("$@")
	printf '\n## %s\n\n`%s`, %s s\n\n```\n%s\n```\n' "$title" "$*" "$((SECONDS - began))" "$text" >>"$board"
}

# power cuts, without the lines of the test runner.
powercuts() {
	go -C powercut test -run 'EveryOperation|RandomCuts|DoesNotSync' -v -timeout 60m . -args -cuts "$cuts" |
		sed -nE 's/^ +[a-z_]+_test\.go:[0-9]+: //p'
}

dirty=$(git status --porcelain)
[ -z "$dirty" ] || {
	echo "commit first: a number without its commit is none" >&2
	exit 1
}
{
	echo '# Scoreboard'
	echo
	echo 'Written by `bash scripts/scoreboard.sh`; [reliability.md](reliability.md) says what each programme is.'
	echo
	printf 'Commit %s, %s, %s, %s processors (%s).\n' "$(git rev-parse --short=12 HEAD)" "$(date -u +%F)" "$(go env GOVERSION)" "$(nproc)" \
		"$(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
} >"$board"
section "Histories" go run ./cmd/trueup-sim -seeds "$seeds" -sqlite 10000
section "Histories with comparisons" go run ./cmd/trueup-sim -seeds "$sweeps" -sweeps
section "Planted bugs" go run ./cmd/trueup-sim -planted all -seeds "$planted"
section "Power cuts" powercuts
section "Kills" go run ./cmd/trueup-kill -rounds "$rounds"
section "Fuzzing" bash scripts/fuzz.sh "$fuzz"
section "Signature vectors" go test ./internal/signature -run Vector -count 1
cp "$board" docs/scoreboard.md

#!/usr/bin/env bash
# Runs every fuzz target of this repository, one after the other, and prints
# what each did. It finds the targets itself, so a new one is never left out.
#
#   bash scripts/fuzz.sh [seconds per target, 10 unless given] [part of a name]
#
# It ends with 1 when a target found a failing input. Go writes that input into
# testdata/fuzz/<target>/ of the package, where every later test run tries it
# again: fix the fault and commit the file.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
seconds=${1:-10}
wanted=${2:-}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || {
	echo "the seconds per target are a whole number above 0, not $seconds" >&2
	exit 2
}

# targets prints package folder and name of each target.
targets() {
	grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . |
		sed -E 's|^(.*)/[^/]*:func (.*)$|\1 \2|' | LC_ALL=C sort -u | grep -F -- "$wanted"
}

out=$(mktemp)
trap 'rm -f "$out"' EXIT
rows=() crashed=0

# out_of_time tells a run that its end has met from one that failed: before Go
# 1.27, go test may end both with FAIL (go.dev/issue/75804).
out_of_time() {
	grep -qx '    context deadline exceeded' "$out" && ! grep -qE 'Failing input|panic|_test\.go:' "$out"
}

# row runs one target. Of Go's lines such as "fuzz: elapsed: 3s, execs: 9 (3/sec),
# new interesting: 1 (total: 12)" the last one tells the whole run.
row() {
	local folder=$1 name=$2 verdict=ok last execs fresh total began=$SECONDS
	# Through -C: a folder may belong to a nested module. Without a bound on
	# making new inputs smaller, a short run would do nothing else.
	if ! go -C "$folder" test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -fuzzminimizetime 200x . >"$out" 2>&1 && ! out_of_time; then
		verdict=FAILED crashed=$((crashed + 1))
		echo "== ${folder#./} $name failed:"
		cat "$out"
	fi
	last=$(grep -E '^fuzz: elapsed: .*execs: ' "$out" | tail -n 1 || true)
	execs=$(sed -nE 's/.*execs: ([0-9]+).*/\1/p' <<<"$last")
	fresh=$(sed -nE 's/.*new interesting: ([0-9]+).*/\1/p' <<<"$last")
	total=$(sed -nE 's/.*\(total: ([0-9]+)\).*/\1/p' <<<"$last")
	rows+=("$(printf '%-30s %-40s %12s %8s %6s %8s  %s' "${folder#./}" "$name" "${execs:-0}" "$((SECONDS - began))" "${fresh:-0}" "${total:-0}" "$verdict")")
}

list=$(targets) || {
	echo "no fuzz target has $wanted in its name" >&2
	exit 2
}
while read -r folder name; do
	row "$folder" "$name"
done <<<"$list"

printf '%-30s %-40s %12s %8s %6s %8s\n' package target executions seconds new inputs
printf '%s\n' "${rows[@]}"
[ "$crashed" -eq 0 ] || {
	echo "$crashed of ${#rows[@]} targets failed"
	exit 1
}
echo "${#rows[@]} targets, none failed"

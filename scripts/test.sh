#!/usr/bin/env bash
# The test command: every check of this repository. It skips nothing. What is
# missing on the machine is installed where we may, and named where we may not;
# a machine with Go is enough.
#
#   bash scripts/test.sh
#
# After the quick checks it runs three lanes beside each other: the tests with the
# race detector and those without, which wait a lot, and everything that computes. The
# first step that fails ends all. At the end stand the time of each step, what it took of
# the processors, and the ten slowest tests.
#
# TRUEUP_TEST_POSTGRES, the URL of a PostgreSQL the tests may make schemas in, and
# TRUEUP_TEST_MYSQL, that of a MariaDB they may make databases and users in, are
# used when they are set; otherwise temporary servers are started and removed.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
GOSEC=github.com/securego/gosec/v2/cmd/gosec@v2.30.0
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM=gotest.tools/gotestsum@v1.13.0
work=$(mktemp -d /tmp/trueup-check.XXXXXX)
pg_dir='' pg_pid='' my_dir='' my_pid='' memory='' lanes=() TIMEFORMAT='%U %S'

die() {
	echo "$*" >&2
	exit 1
}

# step runs one check under a name, and shows what it printed once it has ended,
# so that two lanes do not mix their lines.
step() {
	local name=$1 began=$SECONDS status=0 log cpu
	shift
	log=$(mktemp "$work/step.XXXXXX")
	{ time "$@" >"$log" 2>&1; } 2>"$log.cpu" || status=$?
	cpu=$(awk '{ printf "%.0f", $1 + $2 }' "$log.cpu")
	printf '== %s\n' "$name"
	cat "$log"
	printf '%5d s, %5d s of processors  %s\n' $((SECONDS - began)) "$cpu" "$name" >>"$work/times"
	[ "$status" -eq 0 ] || die "FAILED: $name, after $((SECONDS - began)) s"
	printf '   ok, %d s\n' $((SECONDS - began))
}

# lane runs a function as a process group of its own.
lane() {
	set -m
	"$@" &
	set +m
	lanes+=($!)
}

# join waits for all lanes; the first that fails ends the others.
join() {
	local pid ended running=("${lanes[@]}")
	while [ "${#running[@]}" -gt 0 ]; do
		wait -n -p ended "${running[@]}" || die "the check has failed"
		lanes=()
		for pid in "${running[@]}"; do
			[ "$pid" = "$ended" ] || lanes+=("$pid")
		done
		running=("${lanes[@]}")
	done
}

# all runs a command in the product's module and in the nested ones.
all() {
	"$@" && (cd proof/stripetest && "$@") && (cd proof/powercut && "$@")
}

# insecure reports what gosec finds. G104 is left out: an answer to a sender who
# has gone has nobody to tell. The folders that are left out only test.
insecure() {
	"$work/bin/gosec" -quiet -exclude-generated -exclude-dir=proof -exclude=G104 \
		-nosec-require-rules -nosec-require-justification \
		-exclude-rules='internal/(connector/httpconn/resttest|connector/httpconn/assertiontest|store/pgtest|store/storetest|signature/vectors|connector/connectortest|connector/gohighlevel/ghltest|connector/sqltable/mysqltest|notify/slack/fakeslack|people/provider/oidctest)/.*:*' \
		./...
}

# simulated lives through histories, some of them on SQLite too and some with
# comparisons of both sides and operators, and sees that planted bugs are found. docs/reliability.md says how it is run at length.
simulated() {
	go run ./proof/cmd/trueup-sim -seeds "${TRUEUP_SIM_SEEDS:-5000}" -sqlite 500 &&
		go run ./proof/cmd/trueup-sim -seeds 75 -sweeps &&
		go run ./proof/cmd/trueup-sim -planted stored_twice,fence_dropped,generation_ignored,intents_not_stored,acknowledge_before_store,guess_when_unsure -seeds 2000
}

# mutated changes the pure packages in one place at a time and sees that a test
# notices. TRUEUP_MUTANTS is how many changes are tried; there are fewer than
# 1000, so that all are.
mutated() {
	go run ./proof/cmd/trueup-mutate -sample "${TRUEUP_MUTANTS:-1000}"
}

# outside are the packages that test a program from outside, built as it is shipped, or call
# one thing after the other: the race detector would find nothing in them and only make
# them slow.
outside='proof/(canary|killtest|mutate|oracle)$'

# many are tests of that kind in packages with others: the same few calls for each tool, each
# kind of exception, each order of events, each place where a process is killed. What they
# run has other tests there, which the race detector watches.
many='^Test(WhatEachTool.*|EachTool.*|APollOfEachTool.*|EachKindOfException.*|KilledAtEachBoundary|WhatAKilledService.*|AKillInBetween.*|AnApplyKilled.*'
many+='|EveryOrderOfFiveEvents.*|WhatEndsWithoutAWrite.*|ARandomLife.*|TheJudgeSaysWhatThePathDoes)$'
of_many='internal/(app|pipeline)$'

# packages lists those of the product's module whose path matches, or with -v does not.
packages() { go list ./... | grep -E "$@"; }

# raced runs packages with the race detector. It leaves out SQLite, which is C made Go and
# six times as slow with it: its memory is not Go's, so that nothing would be found there,
# neither by it nor by what it checks of pointers. What calls it is watched. A program with the detector stays for a second at its end by
# default, for races that nobody wrote down yet: a tenth of one is enough (GORACE).
raced() {
	local flags=() unwatched
	for unwatched in modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory; do
		flags+=("-gcflags=$unwatched=-race=false -d=checkptr=0")
	done
	CGO_ENABLED=1 GORACE=atexit_sleep_ms=100 all_tests raced -race "${flags[@]}" "$@"
}

# in_stripetest runs what holds Stripe's connector to Stripe's published objects. The
# product's own tests watch that connector for races.
in_stripetest() { (cd proof/stripetest && all_tests stripetest ./...); }

# all_tests runs packages, and keeps what they took under a name. More packages and
# tests than cores run at once, since most of them wait for the others of theirs.
all_tests() {
	local name=$1
	shift
	"$work/bin/gotestsum" --format pkgname --hide-summary=skipped --jsonfile "$work/tests-$name.json" -- \
		-vet=off -count=1 -p 4 -parallel 10 -timeout 20m "$@"
}

# tools builds the programs that check, once for all modules.
tools() {
	mkdir -p "$work/bin"
	GOBIN=$work/bin GOFLAGS='' go install "$GOSEC" && GOBIN=$work/bin GOFLAGS='' go install "$STATICCHECK" &&
		GOBIN=$work/bin GOFLAGS='' go install "$GOTESTSUM"
}

# axe brings axe-core, which looks at every page, as proof/axe/package-lock.json has
# its version and its hash. It stays out of the repository and of the product.
axe() {
	npm ci --prefix proof/axe --prefer-offline --ignore-scripts --no-audit --no-fund
}

formatted() {
	local files
	files=$("$(go env GOROOT)/bin/gofmt" -l .) || return 1
	[ -z "$files" ] || {
		echo "not formatted, run gofmt -w on:"
		echo "$files"
		return 1
	}
}

generated() {
	local out status=0 file
	out=$(mktemp -d)
	bash scripts/generate.sh "$out" || status=$?
	for file in "$out"/*; do
		diff -u "docs/$(basename "$file")" "$file" || status=$?
	done
	rm -rf "$out"
	[ "$status" -eq 0 ] || echo "docs has what the code does not make, run: bash scripts/generate.sh"
	return "$status"
}

# install_missing brings what the checks need besides Go. The race detector
# needs a C compiler, the store's tests a PostgreSQL and a PgBouncer, those of tables a
# MariaDB too, the pages a browser and, to bring axe-core, npm.
install_missing() {
	local packages=() sudo=()
	command -v gcc >/dev/null && [ -e /usr/include/stdlib.h ] || packages+=(gcc libc6-dev)
	[ -n "${TRUEUP_TEST_POSTGRES:-}" ] || postgres_bin >/dev/null || packages+=(postgresql)
	PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null || packages+=(pgbouncer)
	[ -n "${TRUEUP_TEST_MYSQL:-}" ] || PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null || packages+=(mariadb-server-core)
	[ -n "${TRUEUP_TEST_MYSQL:-}" ] || command -v mariadb >/dev/null || packages+=(mariadb-client-core)
	command -v chromium >/dev/null || packages+=(chromium)
	command -v npm >/dev/null || packages+=(npm)
	[ -e /etc/ssl/certs/ca-certificates.crt ] || packages+=(ca-certificates)
	[ "${#packages[@]}" -gt 0 ] || return 0
	local ask="install these packages and start again: ${packages[*]}"
	command -v apt-get >/dev/null || die "$ask"
	if [ "$(id -u)" -ne 0 ]; then
		sudo -n true 2>/dev/null || die "$ask (apt-get install ${packages[*]}, as root)"
		sudo=(sudo -n)
	fi
	echo "installing ${packages[*]}"
	"${sudo[@]}" apt-get -qq update
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" >/dev/null
}

# postgres_bin prints the folder of the newest server on the machine. Debian
# keeps it out of PATH.
postgres_bin() {
	local found
	found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$found" ] || found=$(command -v initdb) || return 1
	dirname "$found"
}

# start_postgres starts one server for all packages. It refuses to run as root,
# so root gives it to another user. It ends with this script even when that is
# killed: the kernel tells it (pdeathsig). It orders by a language, as most people's do.
start_postgres() {
	[ -z "${TRUEUP_TEST_POSTGRES:-}" ] || return 0
	local bin as=() port tries=0
	bin=$(postgres_bin)
	pg_dir=$(mktemp -d "${memory:-/tmp}/trueup-postgres.XXXXXX")
	if [ "$(id -u)" -eq 0 ]; then
		local user=nobody
		! id postgres >/dev/null 2>&1 || user=postgres
		chown "$user" "$pg_dir"
		as=(--reuid="$user" --regid="$(id -g "$user")" --clear-groups)
	fi
	(cd / && setpriv "${as[@]}" -- "$bin/initdb" -D "$pg_dir/data" -U trueup --auth=trust --encoding=UTF8 --locale=C \
		--locale-provider=icu --icu-locale=en-US --no-sync) >"$pg_dir/initdb.log" ||
		die "initdb failed: $(cat "$pg_dir/initdb.log")"
	# No way to ask for a free port: try until one is.
	until [ "$tries" -eq 10 ]; do
		tries=$((tries + 1))
		port=$((20000 + RANDOM % 20000))
		(cd / && exec setpriv "${as[@]}" --pdeathsig=INT -- "$bin/postgres" -D "$pg_dir/data" -k "$pg_dir" -h 127.0.0.1 -p "$port" \
			-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=500) >"$pg_dir/postgres.log" 2>&1 &
		pg_pid=$!
		while kill -0 "$pg_pid" 2>/dev/null; do
			if "$bin/pg_isready" -q -h "$pg_dir" -p "$port"; then
				export TRUEUP_TEST_POSTGRES="postgres://trueup@127.0.0.1:$port/postgres?sslmode=disable"
				return 0
			fi
			sleep 0.1
		done
	done
	die "the temporary PostgreSQL does not start: $(cat "$pg_dir/postgres.log")"
}

# start_mariadb does the same for MariaDB, which takes any user but must have a
# folder for its temporary files.
start_mariadb() {
	[ -z "${TRUEUP_TEST_MYSQL:-}" ] || return 0
	local as=() port tries=0 small=--innodb-log-file-size=8M
	my_dir=$(mktemp -d "${memory:-/tmp}/trueup-mariadb.XXXXXX")
	if [ "$(id -u)" -eq 0 ]; then
		chown nobody "$my_dir"
		as=(--reuid=nobody --regid="$(id -g nobody)" --clear-groups)
	fi
	(cd "$my_dir" && TMPDIR=$my_dir PATH=$PATH:/usr/sbin setpriv "${as[@]}" -- mariadb-install-db --no-defaults --datadir="$my_dir/data" \
		--auth-root-authentication-method=normal --skip-test-db "$small") >"$my_dir/install.log" 2>&1 ||
		die "mariadb-install-db failed: $(cat "$my_dir/install.log")"
	until [ "$tries" -eq 10 ]; do
		tries=$((tries + 1))
		port=$((20000 + RANDOM % 20000))
		(cd "$my_dir" && TMPDIR=$my_dir PATH=$PATH:/usr/sbin exec setpriv "${as[@]}" --pdeathsig=KILL -- mariadbd --no-defaults --datadir="$my_dir/data" \
			--socket="$my_dir/s" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve --innodb-flush-log-at-trx-commit=0 \
			--innodb-flush-method=nosync --performance-schema=off "$small") >"$my_dir/mariadb.log" 2>&1 &
		my_pid=$!
		while kill -0 "$my_pid" 2>/dev/null; do
			if mariadb --no-defaults -h 127.0.0.1 -P "$port" -u root -e 'select 1' >/dev/null 2>&1; then
				export TRUEUP_TEST_MYSQL="mysql://root@127.0.0.1:$port"
				return 0
			fi
			sleep 0.1
		done
	done
	die "the temporary MariaDB does not start: $(cat "$my_dir/mariadb.log")"
}

# in_memory gives the tests folders, and their servers, in memory where there is room. A disk would
# make them wait at each commit, and no test there cuts the power: power cuts
# have a step, and a disk, of their own. What is built stays on the disk.
in_memory() {
	local free
	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || return 0
	[ "$free" -gt $((4 << 20)) ] && memory=$(mktemp -d /dev/shm/trueup.XXXXXX) || return 0
	chmod 711 "$memory" # PostgreSQL's user has to reach its folder
	printf '#!/bin/sh\n' >"$memory/program"
	chmod 755 "$memory/program"
	"$memory/program" 2>/dev/null || return 0 # nothing may run there
	export TMPDIR=$memory GOTMPDIR=$work
}

clean_up() {
	local pid
	for pid in "${lanes[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done
	if [ -n "$pg_pid" ]; then
		kill -INT "$pg_pid" 2>/dev/null || true
		wait "$pg_pid" 2>/dev/null || true
	fi
	if [ -n "$my_pid" ]; then
		kill -KILL "$my_pid" 2>/dev/null || true # nothing of it is kept
		wait "$my_pid" 2>/dev/null || true
	fi
	[ -z "$pg_dir" ] || rm -rf "$pg_dir"
	[ -z "$my_dir" ] || rm -rf "$my_dir"
	[ -z "$memory" ] || rm -rf "$memory"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# tested and unraced run what waits: the tests with the race detector, and those without.
tested() {
	step "tests" raced -skip "$many" $(packages -v "$outside")
}

unraced() {
	step "tests of many cases" all_tests many -run "$many" $(packages "$of_many")
	step "tests from outside" all_tests outside $(packages "$outside")
	step "tests of stripetest" in_stripetest
}

# behind runs what only computes with what the tests leave: they wait for each other, and
# some of what they wait for has an end.
behind() { (renice -n 10 "$BASHPID" >/dev/null && "$@"); }

# checked runs what computes.
checked() {
	step "go vet" behind all go vet ./...
	step "staticcheck" behind all "$work/bin/staticcheck" ./...
	step "gosec" behind insecure
	step "changes that a test must notice" behind mutated
	step "simulated histories" behind simulated
	step "a list of 100,000 records" behind go test -count=1 ./internal/poll -run TestALongListThatIsInterruptedThriceIsReadToItsEnd -records 100000 -timeout 20m
	step "power cuts" behind go -C proof/powercut test -timeout 20m . -args -stride "${TRUEUP_CUT_STRIDE:-11}" -cuts 50
}

command -v go >/dev/null || die "install Go 1.26 or newer: https://go.dev/dl/"
# A clone that belongs to another user would stop the build at its version. Without
# -trimpath a clone in another folder would build everything anew.
GOFLAGS="$(go env GOFLAGS) -buildvcs=false -trimpath"
# Memory is cheaper than collecting it, in the compiler and in most tests.
export GOFLAGS GOGC=400
in_memory

step "what the machine needs" install_missing
step "gofmt" formatted
step "go.mod and go.sum are tidy" all go mod tidy -diff
step "build without cgo" env CGO_ENABLED=0 go build ./...
step "generated files" generated
step "the tools" tools
step "axe-core" axe
start_postgres
start_mariadb
lane tested
lane unraced
lane checked
join

echo
echo "the ten slowest tests:"
cat "$work"/tests-*.json | "$work/bin/gotestsum" tool slowest --threshold 1ms --num 10
echo
echo "the time of each step; the tests ran beside those below them:"
cat "$work/times"
echo "all checks passed in ${SECONDS} s"

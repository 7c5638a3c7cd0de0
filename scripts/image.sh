#!/usr/bin/env bash
# Builds the image from dist/, runs it as its own user with a configuration that it
# cannot write, and has its health check ask it. It needs buildah (apt-get install
# buildah), so that it is no part of the test command:
#
#   bash scripts/release.sh v0.1.0 && bash scripts/image.sh
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
	echo "$*" >&2
	exit 1
}

command -v buildah >/dev/null || die "install buildah: apt-get install buildah"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
binary=$(find dist -name "trueup-*-linux-$(dpkg --print-architecture)" | sort | tail -n 1)
[ -n "$binary" ] || die "make it first: bash scripts/release.sh v0.1.0"

work=$(mktemp -d /tmp/trueup-image.XXXXXX) container=''
clean_up() {
	[ -z "$container" ] || buildah rm "$container" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap clean_up EXIT
buildah bud --quiet --format docker -f deploy/Containerfile -t trueup:check --build-arg BINARY="$binary" . >/dev/null
container=$(buildah from trueup:check)

want='65532:65532 [CMD /trueup check --ready -c /etc/trueup/trueup.yaml]'
got=$(buildah inspect --type image --format '{{.Docker.Config.User}} {{.Docker.Config.Healthcheck.Test}}' trueup:check)
[ "$got" = "$want" ] || die "the image is run as, and checked by: $got; expected $want"
root=$(buildah mount "$container")
files=$(find "$root" -xdev -type f -size +0 | sed "s|^$root||" | sort | tr '\n' ' ')
[ "$files" = "/etc/ssl/certs/ca-certificates.crt /trueup /var/lib/trueup/README " ] || die "the image has more than it needs: $files"

sed -E 's/^listen: .*/listen: 127.0.0.1:18099/; s/^database: .*/database: \/var\/lib\/trueup\/trueup.db/; s/\$\{[A-Z_]*WEBHOOK_SECRET\}/whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0/; s/\$\{[A-Z_]+\}/secret/' docs/examples/http.yaml >"$work/trueup.yaml"
chmod -R a+rX "$work" # the image has a user of its own
run() { buildah run -v "$work:/etc/trueup:ro" "$container" -- "$@"; }
run /trueup run -c /etc/trueup/trueup.yaml --log-format json >"$work/log" 2>&1 &
until grep -q '"msg":"running"' "$work/log"; do
	kill -0 $! 2>/dev/null || die "it does not run: $(cat "$work/log")"
	sleep 0.1
done
run /trueup check --ready -c /etc/trueup/trueup.yaml
pkill -INT -u 65532 -x trueup
wait $! || true
grep -q '"msg":"stopped"' "$work/log" || die "it did not stop as it should: $(tail -n 3 "$work/log")"
! run /trueup check --ready -c /etc/trueup/trueup.yaml 2>/dev/null || die "the health check says that what has stopped is ready"
echo "the image is sound: $(buildah images --format '{{.Size}}' trueup:check)"

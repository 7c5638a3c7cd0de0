#!/usr/bin/env bash
# Installs the deb of dist/ on this machine, looks at what it brought, and removes it
# again. It has to run as root on a Debian without Trueup, such as a container, so that
# it is no part of the test command:
#
#   bash scripts/release.sh v0.1.0 && bash scripts/packages.sh
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
	echo "$*" >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || die "run it as root"
! dpkg -s trueup >/dev/null 2>&1 && [ ! -e /etc/trueup ] || die "there is a Trueup on this machine, which would be removed"
deb=$(find dist -name "trueup-*-linux-$(dpkg --print-architecture).deb" | sort | tail -n 1)
[ -n "$deb" ] || die "make it first: bash scripts/release.sh v0.1.0"

dpkg -i "$deb"
trap 'dpkg --purge trueup >/dev/null 2>&1 || true; rm -rf /etc/trueup' EXIT # nothing of it was there before
trueup version
[ "$(stat -c '%U:%G %a' /etc/trueup)" = "root:trueup 2770" ] || die "/etc/trueup is $(stat -c '%U:%G %a' /etc/trueup)"
[ "$(getent passwd trueup | cut -d: -f7)" = /usr/sbin/nologin ] || die "the user trueup is missing, or can sign in"

echo "== the unit"
systemd-analyze verify /usr/lib/systemd/system/trueup.service
# 0 is shut off from everything, 100 from nothing. With 15 only what it needs is left: the
# network, and its two folders.
systemd-analyze security --offline=true --threshold=15 --no-pager trueup.service | tail -n 2

echo "== as its user"
setpriv --reuid=trueup --regid=trueup --clear-groups env -C /tmp trueup init -c /etc/trueup/trueup.yaml --from http --no-live --database /tmp/trueup-packages.db || [ $? -eq 3 ]
[ "$(stat -c '%U:%G %a' /etc/trueup/trueup.yaml)" = "trueup:trueup 600" ] || die "trueup.yaml is $(stat -c '%U:%G %a' /etc/trueup/trueup.yaml)"

echo "== removed"
dpkg -r trueup
[ ! -e /usr/bin/trueup ] || die "the program is still there"
[ ! -e /usr/lib/systemd/system/trueup.service ] || die "the unit is still there"
[ -e /etc/trueup/trueup.yaml ] || die "trueup.yaml has gone with the program"

echo "the package is sound"

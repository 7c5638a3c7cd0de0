#!/usr/bin/env bash
# Installs the deb of dist/ under a real systemd, and has it start, reload, kill, stop,
# upgrade and remove the service. The systemd is the first process of a container whose
# files are this machine's with a layer over them: nothing stays. It needs root and
# systemd-nspawn (apt-get install systemd-container), so that it is no part of the test
# command:
#
#   bash scripts/release.sh v0.1.0 && bash scripts/systemd.sh
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
	echo "$*" >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || die "run it as root"
command -v systemd-nspawn >/dev/null || die "install systemd-nspawn: apt-get install systemd-container"
deb=$(find dist -name "trueup-*-linux-$(dpkg --print-architecture).deb" | sort | tail -n 1)
[ -n "$deb" ] || die "make it first: bash scripts/release.sh v0.1.0"

work=$(mktemp -d /dev/shm/trueup-systemd.XXXXXX) # a layer cannot be on a layer
clean_up() {
	! mountpoint -q "$work/root" || umount "$work/root"
	rm -rf "$work"
}
trap clean_up EXIT
mkdir -p "$work"/{up,work,root,shared}
cp "$deb" "$work/shared/trueup.deb"
sed -E 's/^listen: .*/listen: 127.0.0.1:18099/; s/^database: .*/database: \/var\/lib\/trueup\/trueup.db/; s/\$\{[A-Z_]*WEBHOOK_SECRET\}/whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0/; s/\$\{[A-Z_]+\}/${TOKEN}/' \
	docs/examples/http.yaml >"$work/shared/trueup.yaml"

# What runs inside, as root.
cat >"$work/shared/inside" <<'INSIDE'
#!/usr/bin/env bash
set -euo pipefail
trap 'systemctl --no-block poweroff' EXIT
ready() {
	local tries=0
	until setpriv --reuid=trueup --regid=trueup --clear-groups env TOKEN=secret trueup check --ready -c /etc/trueup/trueup.yaml; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || { journalctl -u trueup --no-pager -o cat; return 1; }
		sleep 1
	done
}
main() { systemctl show -p MainPID --value trueup; }

[ "$(cat /proc/1/comm)" = systemd ]
dpkg -i /shared/trueup.deb
install -o trueup -g trueup -m 600 /shared/trueup.yaml /etc/trueup/trueup.yaml
(umask 077 && echo TOKEN=secret >/etc/trueup/secrets.env)
echo "== start"
systemctl enable --now trueup
ready
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$(main)/status"
[ "$(awk '/^Uid:/ { print $2 }' "/proc/$(main)/status")" = "$(id -u trueup)" ]
grep -q '^CapEff:.*0000000000000000$' "/proc/$(main)/status"
if nsenter -t "$(main)" -m touch /usr/x 2>/dev/null; then exit 1; fi
echo "== reload"
systemctl reload trueup
systemctl is-active trueup
echo "== killed, and started again by itself"
before=$(main)
kill -KILL "$before"
until [ "$(systemctl show -p NRestarts --value trueup)" = 1 ] && [ "$(main)" != 0 ]; do sleep 0.2; done
ready
echo "== stop"
systemctl stop trueup
[ "$(systemctl show -p Result --value trueup)" = success ]
journalctl -u trueup --no-pager -o cat | grep -q '"msg":"stopped"'
echo "== upgrade"
systemctl start trueup
ready
before=$(main)
dpkg -i /shared/trueup.deb
ready
[ "$(main)" != "$before" ]
echo "== remove"
dpkg -r trueup
if systemctl is-active trueup; then exit 1; fi
[ -e /etc/trueup/trueup.yaml ] && [ -e /var/lib/trueup/trueup.db ]
echo "the service is sound"
INSIDE
chmod +x "$work/shared/inside"

mount -t overlay overlay -o "lowerdir=/,upperdir=$work/up,workdir=$work/work" "$work/root"
mkdir -p "$work/root/shared"
cat >"$work/root/etc/systemd/system/inside.service" <<'UNIT'
[Unit]
DefaultDependencies=no
Requires=sysinit.target dbus.socket
After=sysinit.target dbus.socket
[Service]
ExecStart=/bin/bash -c 'exec /shared/inside >/shared/log 2>&1'
UNIT
cat >"$work/root/etc/systemd/system/inside.target" <<'UNIT'
[Unit]
Requires=sysinit.target
Wants=inside.service
UNIT
timeout 300 systemd-nspawn --quiet -D "$work/root" --register=no --keep-unit --private-network -M trueup-check \
	--bind="$work/shared:/shared" -b -- --unit=inside.target >"$work/boot.log" 2>&1 || true
cat "$work/shared/log" || die "systemd does not start here: $(tail -n 5 "$work/boot.log")"
[ "$(tail -n 1 "$work/shared/log")" = "the service is sound" ] || die "the service is not sound"

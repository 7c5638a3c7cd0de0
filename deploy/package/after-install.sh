#!/bin/sh
# After an install or an upgrade. The service is neither enabled nor started: there is
# no trueup.yaml yet. One that runs is restarted with the new version.
set -e
if [ -d /run/systemd/system ]; then
	systemd-sysusers trueup.conf
	systemctl daemon-reload
	systemctl try-restart trueup.service
elif ! id trueup >/dev/null 2>&1; then
	# Without systemd, as in a container.
	useradd --system --home-dir /var/lib/trueup --no-create-home --shell /usr/sbin/nologin trueup
fi
# trueup.yaml is edited by the pages too; its secrets are nobody else's.
chown root:trueup /etc/trueup
chmod 2770 /etc/trueup

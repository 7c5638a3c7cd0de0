#!/bin/sh
# Before the program goes. An upgrade keeps the service running until it is restarted.
set -e
case "$1" in
upgrade | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now trueup.service || true
fi

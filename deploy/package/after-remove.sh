#!/bin/sh
# After the program has gone. trueup.yaml, the secrets and the database stay, also with
# apt purge: they are all that cannot be installed again.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi

#!/usr/bin/env bash
# Checks the alert rules with promtool. The tests do it too where promtool is installed;
# without it they check the names only, and say so.
#
#   apt-get install prometheus && bash scripts/promtool.sh
set -euo pipefail
cd "$(dirname "$0")/.."
command -v promtool >/dev/null || { echo "promtool is not installed (Debian package prometheus): the rules were NOT checked" >&2; exit 1; }
promtool check rules deploy/prometheus/trueup.rules.yml
promtool test rules deploy/prometheus/trueup.test.yml

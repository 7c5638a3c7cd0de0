#!/usr/bin/env bash
# Has Helm read the chart: lint, and the objects of three sets of values. It is not part
# of the test command: Helm takes some minutes to build.
#
#   bash scripts/chart.sh
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
bin=$(mktemp -d /tmp/trueup-helm.XXXXXX)
trap 'rm -rf "$bin"' EXIT
GOBIN=$bin go install helm.sh/helm/v3/cmd/helm@v3.19.2

chart=deploy/helm/trueup
"$bin/helm" lint --strict "$chart"
# objects prints the objects that a set of values makes, one a line.
objects() {
	"$bin/helm" template sample "$chart" "$@" | sed -nE 's/^kind: //p' | sort | tr '\n' ' '
}
# made compares them with what is expected.
made() {
	local want=$1 got
	shift
	got=$(objects "$@")
	[ "$got" = "$want " ] || {
		echo "with ${*:-its own values} the chart makes: $got" >&2
		echo "expected: $want" >&2
		exit 1
	}
}
made "ConfigMap Deployment PodDisruptionBudget Service Service"
made "ConfigMap Deployment Service Service" --set replicas=1
made "ConfigMap Deployment Ingress PodDisruptionBudget Service Service" --set ingress.enabled=true,ingress.className=nginx,ingress.tlsSecret=tls
echo "the chart is sound"

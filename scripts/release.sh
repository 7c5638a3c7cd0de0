#!/usr/bin/env bash
# Makes a release in dist/: a static binary for each platform (Linux, macOS and Windows), a deb and an rpm for
# Linux, a bill of materials, the certificates for the image, and checksums of all.
# The same commit gives the same bytes, on any machine with this version of Go.
#
#   bash scripts/release.sh v0.1.0           # into dist/
#   bash scripts/release.sh v0.1.0 --twice   # and again elsewhere, to see that it is so
#
# PLATFORMS="linux/amd64" makes only these.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/go/bin
NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64}

die() {
	echo "$*" >&2
	exit 1
}

version=${1:-}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || die "name the version: bash scripts/release.sh v0.1.0"
[ -z "$(git status --porcelain)" ] || die "commit first: a release is of a commit"
[ -e /etc/ssl/certs/ca-certificates.crt ] || die "install ca-certificates: the image takes them from this machine"
number=${version#v} commit=$(git rev-parse HEAD) time=$(git log -1 --format=%ct)
tools=$(mktemp -d /tmp/trueup-release.XXXXXX)
trap 'rm -rf "$tools"' EXIT
# Of the tools too: the bill of materials has their hashes.
export GOFLAGS=-trimpath
GOBIN=$tools go install "$NFPM"
GOBIN=$tools go install "$CYCLONEDX"

# build makes all files of a release from a fresh clone, so that nothing of this folder
# gets into them.
build() {
	local out=$1 source=$tools/source platform os arch binary
	rm -rf "$source" "$out"
	mkdir -p "$out"
	git clone -q --no-hardlinks . "$source"
	git -C "$source" checkout -q --detach "$commit" # whatever was committed here meanwhile
	git -C "$source" tag -f "$version" >/dev/null # the bill of materials names it
	for platform in $platforms; do
		os=${platform%/*} arch=${platform#*/}
		binary=$out/trueup-$number-$os-$arch
		[ "$os" != windows ] || binary+=.exe
		echo "== $(basename "$binary")"
		(cd "$source" && CGO_ENABLED=0 GOOS=$os GOARCH=$arch GOFLAGS='' go build -trimpath -buildvcs=false \
			-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit" -o "$binary" ./cmd/trueup)
		[ "$os" != linux ] || packages "$source" "$binary" "$arch" "$out"
	done
	# What is in it: every module with its version, hash and license.
	(cd "$source" && SOURCE_DATE_EPOCH=$time "$tools/cyclonedx-gomod" app -json -licenses -noserial -main cmd/trueup -output - 2>"$tools/sbom.log") |
		sed -E '/^ *"timestamp":/d' >"$out/trueup-$number.sbom.json" || die "no bill of materials: $(cat "$tools/sbom.log")"
	cp /etc/ssl/certs/ca-certificates.crt "$out/ca-certificates.crt"
	# The certificates are this machine's: they are no part of the release.
	(cd "$out" && sha256sum trueup* >SHA256SUMS)
}

# packages makes the deb and the rpm of a binary.
packages() {
	local source=$1 binary=$2 arch=$3 out=$4 kind
	for kind in deb rpm; do
		(cd "$source" && ARCH=$arch VERSION=$number BINARY=$binary MAINTAINER='Trueup <trueup@localhost>' SOURCE_DATE_EPOCH=$time \
			"$tools/nfpm" package -f deploy/package/nfpm.yaml -p "$kind" -t "$out/trueup-$number-linux-$arch.$kind")
	done
}

build "$PWD/dist"
if [ "${2:-}" = --twice ]; then
	build "$tools/again"
	diff dist/SHA256SUMS "$tools/again/SHA256SUMS" || die "the same commit gave other bytes"
	echo "made twice, with the same bytes"
fi
(cd dist && ls -sh1 && cat SHA256SUMS)

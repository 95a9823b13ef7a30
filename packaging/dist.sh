#!/usr/bin/env bash
# Writes what is released into a folder (first argument, dist by default): for
# each architecture a static binary and a tar.gz with it, the scripts, a
# configuration and the documents; and SHA256SUMS. VERSION, COMMIT and DATE
# say what is inside. The same source gives the same bytes, on any machine
# with the same Go: times, owners, modes and the order in the archive are set.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
: "${VERSION:?}" "${COMMIT:?}" "${DATE:?}"
architectures=${ARCHITECTURES:-amd64 arm64}

mkdir -p "$out"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
umask 022

archives=()
for arch in $architectures; do
	name=meerkat-$VERSION-linux-$arch
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS= go build -trimpath -buildvcs=false -pgo=cmd/meerkat/server.pgo \
		-ldflags "-s -w -buildid= -X main.version=$VERSION -X main.commit=$COMMIT -X main.date=$DATE" -o "$out/meerkat-linux-$arch" ./cmd/meerkat
	mkdir -p "$stage/$name/bin" "$stage/$name/conf"
	cp "$out/meerkat-linux-$arch" "$stage/$name/bin/meerkat"
	cp bin/*.sh "$stage/$name/bin/"
	# Not Go's: what an operator reads and edits.
	find conf -maxdepth 1 -type f ! -name '*.go' -exec cp {} "$stage/$name/conf/" \;
	cp -R docs "$stage/$name/docs"
	cp LICENSE README.md CHANGELOG.md "$stage/$name/"
	find "$stage/$name" -type f -exec chmod 0644 {} +
	chmod 0755 "$stage/$name"/bin/*
	tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="$DATE" -C "$stage" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
	archives+=("meerkat-linux-$arch" "$name.tar.gz")
done
(cd "$out" && sha256sum "${archives[@]}" >SHA256SUMS)

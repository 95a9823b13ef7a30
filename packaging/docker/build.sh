#!/usr/bin/env bash
# Makes the folder that the image is built from, of the binaries in DIST, and
# builds it unless only the folder is wanted:
#
#   packaging/docker/build.sh DIST --context-only
#   packaging/docker/build.sh DIST [docker buildx build arguments, as --tag or --platform]
set -euo pipefail
dist=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
context=$dist/docker
rm -rf "$context"
mkdir -p "$context/root"
trap 'rm -rf "$context/root"' EXIT

cp "$here/Dockerfile" "$dist"/meerkat-linux-* "$context/"
# The server starts as root and becomes user 1000, or is started as any user:
# the folders belong to 1000 and are there without a volume, too.
mkdir -p "$context/root/etc"
echo 'zookeeper:x:1000:1000::/data:/' >"$context/root/etc/passwd"
echo 'zookeeper:x:1000:' >"$context/root/etc/group"
mkdir -p "$context"/root/{conf,data,datalog,tmp}
chmod 0755 "$context"/root "$context"/root/*
chmod 0644 "$context"/root/etc/*
reproducible=(--sort=name --format=ustar --numeric-owner --mtime=@0)
tar "${reproducible[@]}" --owner=0 --group=0 -C "$context/root" -cf "$context/rootfs.tar" etc
tar "${reproducible[@]}" --owner=1000 --group=1000 -C "$context/root" -rf "$context/rootfs.tar" conf data datalog tmp

[ "${1:-}" = --context-only ] || docker buildx build "$@" "$context"

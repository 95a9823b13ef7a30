#!/bin/sh
# Runs Apache and Meerkat in turn and prints the ratios; see bench/cmd/compare.
# A full run takes about half an hour and writes its tables into
# docs/performance.md. Options come as arguments or in BENCH:
#   BENCH=-quick make bench
#   BENCH=-ensemble make bench
#   BENCH='-only get-16x16,set-16x16 -rounds 3' make bench
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC2086 # BENCH holds several words
exec go run ./bench/cmd/compare -note docs/performance.md ${BENCH:-} "$@"

#!/usr/bin/env bash
# Runs the compatibility tests: fetches what they need, runs one folder after
# the other, and ends with what passed, failed, or was skipped and why.
#
#   compat_tests/run.sh [FOLDER...]    all when none is named
#
# COMPAT_SEEDS is how many seeds the differential runs for each configuration,
# CRASH_ROUNDS how often the server is killed, CHAOS_SECONDS how long an
# ensemble is in trouble. Exit code 0 means that everything that could run has passed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
cache=${COMPAT_CACHE:-.cache/compat}
mkdir -p "$cache"
cache=$(realpath "$cache")
export COMPAT_CACHE=$cache # the tests run elsewhere

[ -x "${COMPAT_BINARY:-bin/meerkat}" ] || make -s build || exit 1
compat_tests/fixtures/fetch.sh "$cache" || exit 1

folders=("$@")
[ $# -gt 0 ] || folders=(crash chaos gozk words admin clients recipes zkcli operator datadir scripts ensemble packaging differential)
log=$cache/run.log
: >"$log"
failed=()
flaky=()
for folder in "${folders[@]}"; do
	echo "== compat_tests/$folder"
	began=$SECONDS
	args=()
	[ "$folder" != differential ] || args=(-args -seeds "${COMPAT_SEEDS:-5}")
	for try in $(seq "${COMPAT_TRIES:-1}"); do
		go test -tags compat -count=1 -timeout 60m -v "./compat_tests/$folder" "${args[@]}" >"$cache/$folder.log" 2>&1
		code=$?
		[ $code -ne 0 ] || break
		echo "== compat_tests/$folder failed, try $try of ${COMPAT_TRIES:-1}:"
		grep -aE '^ *--- FAIL' "$cache/$folder.log"
	done
	[ "$try" = 1 ] || [ $code -ne 0 ] || flaky+=("$folder")
	cat "$cache/$folder.log" >>"$log"
	grep -aE '^ *--- (PASS|FAIL|SKIP)' "$cache/$folder.log" | grep -avE '^ *--- PASS' || true
	if [ $code -ne 0 ]; then
		failed+=("$folder")
		grep -avE '^(=== |\{)' "$cache/$folder.log" | tail -n 60
	fi
	echo "== compat_tests/$folder: $([ $code -eq 0 ] && echo passed || echo FAILED) in $((SECONDS - began)) s"
done

count() { grep -acE "^ *--- $1" "$log"; }
echo
grep -ahE '^ +[a-z_]+_test\.go:[0-9]+: (SKIPPED|skipped|waits for|missing)' "$log" | sed -E 's/^ +[a-z_]+_test\.go:[0-9]+: /not run: /' | sort | uniq -c
echo "compat: $(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
[ ${#flaky[@]} -eq 0 ] || echo "compat: FLAKY, passed at the second try: ${flaky[*]}"
[ ${#failed[@]} -eq 0 ] || { echo "compat: FAILED: ${failed[*]}"; exit 1; }

#!/bin/bash
# Stands in for systemctl where no systemd runs: does with the unit's own lines
# what start, stop, restart and status of a service do.
unit=/lib/systemd/system/$2.service
pidfile=/tmp/$2.pid
value() { sed -n "s/^$1=//p" "$unit"; }
alive() { [ -f "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }
start() {
	command=$(value ExecStart)
	cd "$(value WorkingDirectory)" && umask "$(value UMask)" || exit 1
	# shellcheck disable=SC2086
	setpriv --reuid="$(value User)" --regid="$(value Group)" --init-groups --no-new-privs --bounding-set=-all ${command/\$MEERKAT_OPTIONS/} </dev/null >/tmp/service.log 2>&1 &
	echo $! >"$pidfile"
	for ((i = 0; i < 200; i++)); do
		[ "$(meerkat word localhost 2181 ruok 2>/dev/null)" = imok ] && return
		sleep 0.1
	done
	cat /tmp/service.log
	exit 1
}
stop() {
	alive || return 0
	kill -TERM "$(cat "$pidfile")"
	while [ -d "/proc/$(cat "$pidfile")" ] && ! grep -q '^State:.Z' "/proc/$(cat "$pidfile")/status"; do sleep 0.1; done
}
case $1 in
start) start ;;
stop) stop ;;
restart) stop && start ;;
status) alive ;;
*) echo "no stand-in for systemctl $1" >&2 && exit 1 ;;
esac

#!/bin/bash
# The life of the Debian package: run by machine.sh, which
# makes a throw-away copy of this machine, with old.deb and new.deb. Prints a
# line for each thing that holds; the first that does not ends it with exit
# code 1.
set -eu
old=/try/old.deb
new=/try/new.deb

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
holds() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@" >/tmp/output 2>&1; then
		echo "ok: $what"
	else
		echo "NOT: $what: $* (exit code $?)"
		cat /tmp/output
		exit 1
	fi
}
is() { [ "$1" = "$2" ] || { echo "is $1, not $2"; return 1; }; }
refuted() { ! "$@"; }

unit=/lib/systemd/system/meerkat.service
serve() { # runs what the unit runs, as its user
	local command user
	command=$(sed -n 's/^ExecStart=//p' "$unit")
	user=$(sed -n 's/^User=//p' "$unit")
	(cd "$(sed -n 's/^WorkingDirectory=//p' "$unit")" && umask "$(sed -n 's/^UMask=//p' "$unit")" &&
		# shellcheck disable=SC2086 # words of the command
		exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs --bounding-set=-all ${command/\$MEERKAT_OPTIONS/}) >/tmp/server.log 2>&1 &
	server=$!
	for ((i = 0; i < 200; i++)); do
		[ "$(meerkat word localhost 2181 ruok 2>/dev/null)" = imok ] && return
		kill -0 $server || break
		sleep 0.1
	done
	cat /tmp/server.log
	return 1
}
stop() {
	kill -TERM $server
	wait $server
}

holds "the package installs" dpkg -i "$old"
holds "it has a user" getent passwd meerkat
holds "who cannot log in" grep -qE '^meerkat:.*:(/usr/sbin/nologin|/bin/false)$' /etc/passwd
holds "and owns the data" is "$(stat -c '%U:%G %a' /var/lib/meerkat)" "meerkat:meerkat 750"
holds "the service is enabled" test -L /etc/systemd/system/multi-user.target.wants/meerkat.service
if command -v systemd-analyze >/dev/null; then
	holds "systemd takes the unit" systemd-analyze verify "$unit"
fi
holds "the files are as packed" dpkg --verify meerkat
holds "it serves as the unit says" serve
holds "a client writes" meerkat cli -server localhost:2181 create /kept precious
holds "zkServer.sh finds the server" is "$(/usr/share/meerkat/bin/zkServer.sh status 2>/dev/null | tail -n 1)" "Mode: standalone"
holds "it runs as its user" is "$(stat -c %U /proc/$server)" meerkat

echo "# mine" >>/etc/meerkat/zoo.cfg
holds "the package is upgraded, and asks nothing" dpkg -i "$new"
holds "the operator's configuration stays" grep -qx "# mine" /etc/meerkat/zoo.cfg
holds "the server has gone on" is "$(meerkat word localhost 2181 ruok)" imok
holds "it stops" stop
holds "the new one starts" serve
holds "with the data" grep -q precious <(meerkat cli -server localhost:2181 get /kept)
holds "it stops, too" stop

before=$(cd /var/lib/meerkat && find . -type f -print0 | sort -z | xargs -0 sha256sum)
holds "the package is removed" dpkg -r meerkat
holds "the binary is gone" refuted test -e /usr/bin/meerkat
holds "the configuration stays" grep -qx "# mine" /etc/meerkat/zoo.cfg
holds "the data stays" is "$(cd /var/lib/meerkat && find . -type f -print0 | sort -z | xargs -0 sha256sum)" "$before"
holds "it installs again" dpkg -i "$new"
holds "and serves" serve
holds "the same data" grep -q precious <(meerkat cli -server localhost:2181 get /kept)
holds "until it is stopped" stop

mkdir -p /srv/zookeeper/version-2
touch /srv/zookeeper/version-2/log.1
holds "the package is purged, and asks nothing" dpkg -P meerkat
holds "its data is gone" refuted test -e /var/lib/meerkat
holds "its configuration is gone" refuted test -e /etc/meerkat
holds "data in other places stays" test -e /srv/zookeeper/version-2/log.1
holds "dpkg has forgotten it" refuted dpkg -s meerkat
echo "all of it holds"

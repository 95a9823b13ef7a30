#!/usr/bin/env bash

# Sets what the other scripts share; they source it, with their arguments.
# It is Bash, as Apache's is, because it sources the files of the operator.
#
#   ZOOBINDIR    the folder of the scripts; the caller sets it
#   ZOOCFGDIR    the folder of zoo.cfg: --config DIR, the environment, or conf
#                or etc/zookeeper beside the scripts' folder
#   ZOOCFG       zoo.cfg, with its folder
#   ZOO_LOG_DIR  where the output of a server in the background goes
#   MEERKAT      the binary: the environment, beside the scripts, or in PATH

ZOOBINDIR="${ZOOBINDIR:-/usr/bin}"
ZOOKEEPER_PREFIX="${ZOOBINDIR}/.."

if [ $# -gt 1 ] && [ "$1" = "--config" ]; then
	ZOOCFGDIR=$2
	shift 2
fi
if [ -z "$ZOOCFGDIR" ]; then
	if [ -e "$ZOOKEEPER_PREFIX/conf" ]; then
		ZOOCFGDIR=$ZOOKEEPER_PREFIX/conf
	else
		ZOOCFGDIR=$ZOOKEEPER_PREFIX/etc/zookeeper
	fi
fi

# What the operator sets; a relative ZOOCFG is a file of that folder.
if [ -f "$ZOOCFGDIR/zookeeper-env.sh" ]; then
	. "$ZOOCFGDIR/zookeeper-env.sh"
fi
ZOOCFG=$ZOOCFGDIR/${ZOOCFG:-zoo.cfg}
if [ -f "$ZOOCFGDIR/java.env" ]; then
	. "$ZOOCFGDIR/java.env"
fi
ZOO_LOG_DIR=${ZOO_LOG_DIR:-$ZOOKEEPER_PREFIX/logs}

# The binary reads the words -Dkey=value of these by itself. There is no heap
# to size, so ZK_SERVER_HEAP and ZK_CLIENT_HEAP add nothing to them.
export SERVER_JVMFLAGS CLIENT_JVMFLAGS JVMFLAGS

if [ -z "$MEERKAT" ]; then
	if [ -x "$ZOOBINDIR/meerkat" ]; then
		MEERKAT=$ZOOBINDIR/meerkat
	elif ! MEERKAT=$(type -P meerkat); then
		echo "Error: MEERKAT is not set and meerkat could not be found in $ZOOBINDIR or PATH." >&2
		exit 1
	fi
fi

# setting KEY FILE prints the last value that a configuration gives to a key.
# In the key a dot stands for itself.
setting() {
	[ -n "$2" ] || return 0
	sed -n "s/^[[:space:]]*${1//./\\.}[[:space:]]*[=:][[:space:]]*//p" "$2" | sed -e 's/[[:space:]]*$//' | tail -n 1
}

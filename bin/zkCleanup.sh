#!/usr/bin/env bash

# Removes old snapshots and logs of the directories that zoo.cfg names:
#   zkCleanup.sh [--config DIR] -n COUNT

# A link to this script is followed; what it needs is beside it.
ZOOBIN="${BASH_SOURCE-$0}"
if [ -L "$ZOOBIN" ]; then
	ZOOBIN=$(readlink -f "$ZOOBIN")
fi
ZOOBINDIR=$(cd "$(dirname "$ZOOBIN")" && pwd)
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
	. "$ZOOBINDIR/../libexec/zkEnv.sh"
else
	. "$ZOOBINDIR/zkEnv.sh"
fi

dirs=("$(setting dataLogDir "$ZOOCFG")" "$(setting dataDir "$ZOOCFG")")
if [ -z "${dirs[1]}" ]; then
	echo "Unable to determine dataDir from $ZOOCFG" >&2
	exit 1
fi
# The folder of the logs, if it is one of its own, stands in front.
[ -n "${dirs[0]}" ] || dirs=("${dirs[1]}")
"$MEERKAT" purge "${dirs[@]}" "$@" || exit 1 # whatever it is, as Apache's script

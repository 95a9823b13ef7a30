#!/usr/bin/env bash

# Compares two snapshots:
#   zkSnapshotComparer.sh [--config DIR] -l FILE -r FILE [-b BYTES] [-n NODES] [-d] [-i]

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

exec "$MEERKAT" snapshot diff "$@"

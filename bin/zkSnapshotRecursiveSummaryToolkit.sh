#!/usr/bin/env bash

# Sums up a snapshot below each znode:
#   zkSnapshotRecursiveSummaryToolkit.sh [--config DIR] FILE START_ZNODE MAX_DEPTH

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

exec "$MEERKAT" snapshot summary "$@"

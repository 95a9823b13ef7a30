#!/usr/bin/env bash

# Makes an empty data directory, as meerkat init does:
#   zkServer-initialize.sh [--config DIR] [--configfile=FILE] [--myid=N] [--force]

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

usage() {
	printf 'usage: %s <parameters>
  Optional parameters:
     -h                                                    Display this message
     --help                                                Display this message
     --configfile=%-40s ZooKeeper config file
     --myid=#                                              Set the myid to be used, if any (0-255)
     --force                                               Remove the data that is there
' "$0" "$ZOOCFG"
	exit 1
}

args=()
while [ -n "$1" ]; do
	case $1 in
	--configfile) ZOOCFG=$2 && shift ;;
	--configfile=?*) ZOOCFG=${1#*=} ;;
	--myid) args+=("--myid=$2") && shift ;;
	--myid=?*) args+=("$1") ;;
	--force) args+=(--force) ;;
	-h | --help) usage ;;
	*) echo "Unknown option: $1" && usage ;;
	esac
	shift
done

if [ ! -e "$ZOOCFG" ]; then
	echo "Unable to find config file at $ZOOCFG"
	exit 1
fi
if [ -z "$(setting dataDir "$ZOOCFG")" ]; then
	echo "Unable to determine dataDir from $ZOOCFG"
	exit 1
fi
# Apache's script tells all on standard output, and fails with 1 alone.
set -o pipefail
"$MEERKAT" init --configfile="$ZOOCFG" "${args[@]}" 2>&1 | sed -e 's/^meerkat: //' || exit 1

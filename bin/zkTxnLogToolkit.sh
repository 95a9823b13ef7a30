#!/usr/bin/env bash

# Prints, repairs or chops a transaction log, as meerkat log dump, recover and
# chop do.

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
	cat <<-END
		usage: TxnLogToolkit [-dhrvc] <txn_log_file_name> (-z <zxid>)
		 -c,--chop         Copy the transactions up to a zxid (-z).
		 -d,--dump         Print all transactions: what is done by default.
		 -h,--help         Print this.
		 -r,--recover      Copy the file and set wrong checksums right.
		 -v,--verbose      With -r: print all transactions, not only those set right.
		 -y,--yes          With -r: do not ask.
		 -z,--zxid <arg>   With -c: the last zxid to keep.
		    --force        Overwrite the file that is written.
	END
	exit "$1"
}

verb=dump
zxid=
asks=()   # what becomes a flag of log recover
force=()
files=()
letters() { # WORD of letters that need no argument
	local i
	for ((i = 0; i < ${#1}; i++)); do
		case ${1:i:1} in
		c) chop=yes ;;
		d) ;;
		h) usage 0 ;;
		r) verb=recover ;;
		v | y) asks+=("-${1:i:1}") ;;
		*) echo "Unrecognized option: -$1" && usage 1 ;;
		esac
	done
}
while [ $# -gt 0 ]; do
	case $1 in
	--chop) letters c ;;
	--dump) letters d ;;
	--help) letters h ;;
	--recover) letters r ;;
	--verbose) letters v ;;
	--yes) letters y ;;
	--force) force=(--force) ;;
	--zxid=* | -z=*) zxid=${1#*=} ;;
	-z | --zxid)
		[ $# -gt 1 ] || { echo "Missing argument for option: z" && usage 1; }
		zxid=$2
		shift
		;;
	-z*) zxid=${1#-z} ;;
	--*) echo "Unrecognized option: $1" && usage 1 ;;
	-?*) letters "${1#-}" ;;
	*) files+=("$1") ;;
	esac
	shift
done
[ ${#files[@]} -gt 0 ] || usage 1

# Only one file is read, as Apache's tool does.
if [ -n "$chop" ] && [ -n "$zxid" ]; then
	exec "$MEERKAT" log chop "${force[@]}" -z "$zxid" -- "${files[0]}"
elif [ "$verb" = recover ]; then
	exec "$MEERKAT" log recover "${force[@]}" "${asks[@]}" -- "${files[0]}"
fi
exec "$MEERKAT" log dump -- "${files[0]}"

#!/usr/bin/env bash

# Starts, stops and asks a server:
#   zkServer.sh [--config DIR] COMMAND [CONFIG-FILE]
# What it prints and exits with is what Apache's script does: units and
# charts read it.

arguments=("$@")
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

case $2 in
*/*) ZOOCFG=$2 ;;
?*) ZOOCFG=$ZOOCFGDIR/$2 ;;
esac

if [ -n "$JMXDISABLE" ] && [ "$JMXDISABLE" != false ]; then
	echo "JMX disabled by user request" >&2
elif [ -n "$JMXPORT" ]; then
	echo "JMXPORT has no effect: there is no JMX; see docs/operating.md for what there is to monitor" >&2
fi
for word in $SERVER_JVMFLAGS $JVMFLAGS; do
	case $word in
	-javaagent* | -agent*) echo "$word has no effect: there is no JVM" >&2 ;;
	esac
done
echo "Using config: $ZOOCFG" >&2

ZOO_DATADIR=$(setting dataDir "$ZOOCFG")
ZOO_DATALOGDIR=$(setting dataLogDir "$ZOOCFG")

# Where directories are not made, a missing one is said here: the file with
# the process id goes there, too.
if [ -n "$ZOO_DATADIR_AUTOCREATE_DISABLE" ]; then
	if [ ! -d "$ZOO_DATADIR/version-2" ]; then
		echo "ZooKeeper data directory is missing at $ZOO_DATADIR fix the path or run initialize"
		exit 1
	fi
	if [ -n "$ZOO_DATALOGDIR" ] && [ ! -d "$ZOO_DATALOGDIR/version-2" ]; then
		echo "ZooKeeper txnlog directory is missing at $ZOO_DATALOGDIR fix the path or run initialize"
		exit 1
	fi
	# In front: what the operator says about it comes later and wins.
	SERVER_JVMFLAGS="-Dzookeeper.datadir.autocreate=false $SERVER_JVMFLAGS"
fi

if [ -z "$ZOOPIDFILE" ]; then
	if [ -n "$ZOO_DATADIR" ] && [ ! -d "$ZOO_DATADIR" ]; then
		mkdir -p "$ZOO_DATADIR"
	fi
	ZOOPIDFILE=$ZOO_DATADIR/zookeeper_server.pid
else
	mkdir -p "$(dirname "$ZOOPIDFILE")"
fi
if [ ! -w "$ZOO_LOG_DIR" ]; then
	mkdir -p "$ZOO_LOG_DIR"
fi
ZOO_DAEMON_OUT=$ZOO_LOG_DIR/zookeeper-$USER-server-$HOSTNAME.out

# A server stops within five seconds, so this is never waited for in full.
STOP_SECONDS=15

# running tells whether a process runs, of whatever user. One that ended and
# that nobody has waited for does not.
running() { # PID
	[[ $1 =~ ^[0-9]+$ ]] || return 1
	if [ -r "/proc/$1/status" ]; then
		! grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
	else
		kill -0 "$1" 2>/dev/null
	fi
}

start() {
	local pid
	echo -n "Starting zookeeper ... "
	if [ -f "$ZOOPIDFILE" ] && pid=$(cat "$ZOOPIDFILE") && running "$pid"; then
		echo "already running as process $pid."
		exit 1
	fi
	nohup "$MEERKAT" server "$ZOOCFG" >"$ZOO_DAEMON_OUT" 2>&1 </dev/null &
	pid=$!
	if ! echo -n "$pid" >"$ZOOPIDFILE"; then
		echo FAILED TO WRITE PID
		kill "$pid"
		exit 1
	fi
	sleep 1
	if ! running "$pid"; then
		echo FAILED TO START
		exit 1
	fi
	echo STARTED
}

stop() {
	local pid
	echo -n "Stopping zookeeper ... "
	if [ ! -f "$ZOOPIDFILE" ]; then
		echo "no zookeeper to stop (could not find file $ZOOPIDFILE)"
		return
	fi
	pid=$(cat "$ZOOPIDFILE")
	kill "$pid"
	for ((i = 0; i < STOP_SECONDS * 10; i++)); do
		running "$pid" || break
		sleep 0.1
	done
	if running "$pid"; then
		echo "still running as process $pid."
		exit 1
	fi
	rm -f "$ZOOPIDFILE"
	echo STOPPED
}

# The command line that start runs. The properties stand in it, so that it
# does the same without this script's environment.
print_cmd() {
	local word properties=
	for word in $SERVER_JVMFLAGS $JVMFLAGS; do
		case $word in
		-D?*) properties+=" \"$word\"" ;;
		esac
	done
	echo "\"$MEERKAT\" server$properties \"$ZOOCFG\" > \"$ZOO_DAEMON_OUT\" 2>&1 < /dev/null"
}

# find_port sets clientPort, clientPortAddress and isSSL: from the static
# file, from this server's line in it or in the dynamic file, or the secure
# port.
find_port() {
	isSSL=false
	clientPortAddress=$(setting clientPortAddress "$ZOOCFG")
	clientPort=$(setting clientPort "$ZOOCFG")
	if ! [[ $clientPort =~ ^[0-9]+$ ]]; then
		find_port_of_line
	fi
	clientPortAddress=${clientPortAddress:-localhost}
	[ -z "$clientPort" ] || return 0
	echo "Client port not found. Looking for secureClientPort in the static config."
	clientPort=$(setting secureClientPort "$ZOOCFG")
	if [ -z "$clientPort" ]; then
		echo "Unable to find either secure or unsecure client port in any configs. Terminating."
		exit 1
	fi
	isSSL=true
	clientPortAddress=$(setting secureClientPortAddress "$ZOOCFG")
	clientPortAddress=${clientPortAddress:-localhost}
}

find_port_of_line() {
	local myid line
	myid=$(cat "$ZOO_DATADIR/myid" 2>/dev/null)
	if ! [[ $myid =~ ^[0-9]+$ ]]; then
		echo "myid could not be determined, will not able to locate clientPort in the server configs."
		return
	fi
	line=$(setting "server.$myid" "$ZOOCFG")
	if [[ $line != *\;* ]]; then
		echo "Client port not found in static config file. Looking in dynamic config file."
		line=$(setting "server.$myid" "$(setting dynamicConfigFile "$ZOOCFG")")
	fi
	if [[ $line != *\;* ]]; then
		echo "Client port not found in the server configs"
		return
	fi
	line=${line##*;}
	clientPort=${line##*:}
	if [[ $line == *:* ]]; then
		clientPortAddress=${line%:*}
		clientPortAddress=${clientPortAddress#[}
		clientPortAddress=${clientPortAddress%]}
	fi
}

status() {
	local mode
	find_port
	echo "Client port found: $clientPort. Client address: $clientPortAddress. Client SSL: $isSSL."
	if [ "$isSSL" = true ]; then
		echo "Note: the secureClientPort ($clientPort) was not asked: meerkat word does not speak TLS. Ask the admin server instead."
	elif mode=$("$MEERKAT" word "$clientPortAddress" "$clientPort" srvr | grep Mode); then
		echo "$mode"
		return
	fi
	echo "Error contacting service. It is probably not running."
	exit 1
}

case $1 in
start) start ;;
start-foreground)
	if [ -n "$ZOO_NOEXEC" ]; then
		"$MEERKAT" server "$ZOOCFG"
	else
		exec "$MEERKAT" server "$ZOOCFG"
	fi
	;;
stop) stop ;;
restart) # each with the arguments of this one, its --config included
	for i in "${!arguments[@]}"; do
		if [ "${arguments[i]}" = restart ]; then
			break
		fi
	done
	"$0" "${arguments[@]:0:i}" stop "${arguments[@]:i+1}"
	"$0" "${arguments[@]:0:i}" start "${arguments[@]:i+1}"
	;;
status) status ;;
version) "$MEERKAT" version --apache ;;
print-cmd) print_cmd ;;
*)
	echo "Usage: $0 [--config <conf-dir>] {start|start-foreground|stop|version|restart|status|print-cmd}" >&2
	;;
esac

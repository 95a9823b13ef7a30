#!/usr/bin/env bash
# Records where the processor time of servers goes under load, standalone and
# as an ensemble of three, into cmd/meerkat/server.pgo, which `make build`
# optimises for. Needs a quiet machine and a minute.
#
#   tools/profile.sh MEERKAT
set -euo pipefail
cd "$(dirname "$0")/.."
meerkat=$(realpath "$1")
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$dir"' EXIT

# serve NAME LINE...: starts a server on a zoo.cfg with these lines.
serve() {
	local name=$1
	shift
	mkdir -p "$dir/$name/data"
	[ ! -e "$dir/id-$name" ] || mv "$dir/id-$name" "$dir/$name/data/myid"
	printf '%s\n' tickTime=2000 initLimit=10 syncLimit=5 maxClientCnxns=0 admin.enableServer=false \
		"dataDir=$dir/$name/data" "$@" >"$dir/$name/zoo.cfg"
	"$meerkat" server --cpu-profile "$dir/$name.profile" "$dir/$name/zoo.cfg" 2>"$dir/$name.log" &
	pids+=($!)
}

# load SERVER...: the workloads that most of a server's life consists of.
load() {
	local server workload
	for server; do
		until "$meerkat" word "${server%:*}" "${server#*:}" srvr 2>/dev/null | grep -q ^Mode; do sleep 0.1; done
	done
	for workload in write create mixed read write; do
		"$meerkat" bench "$workload" --servers "$(IFS=,; echo "$*")" --duration 4s
	done
}

# stop ends the servers, which then write their profiles.
stop() {
	kill "${pids[@]}"
	wait "${pids[@]}"
	pids=()
}

serve alone clientPort=23181
load 127.0.0.1:23181
stop
members=()
for id in 1 2 3; do members+=("server.$id=127.0.0.1:2318$((id + 1)):2319$id;127.0.0.1:2320$id"); done
for id in 1 2 3; do
	echo "$id" >"$dir/id-member$id"
	serve "member$id" "${members[@]}"
done
load 127.0.0.1:23201 127.0.0.1:23202 127.0.0.1:23203
stop
go tool pprof -proto -output cmd/meerkat/server.pgo "$dir"/*.profile
ls -l cmd/meerkat/server.pgo

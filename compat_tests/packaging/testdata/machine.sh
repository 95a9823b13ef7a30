#!/bin/bash
# Runs a script on a throw-away copy of this machine:
#
#   unshare --mount --net --pid --fork machine.sh SCRIPT FILE...
#
# Everything that is written goes to memory (an overlay over /), ports are in a
# network of their own, and processes end with this one. The files are in the
# working directory of the script.
set -eu
script=$1
shift
work=$(mktemp -d)
mount --make-rprivate /
mount -t tmpfs none "$work"
mkdir "$work"/{upper,work,root}
mount -t overlay none -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
mount -t proc none "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount -t tmpfs none "$work/root/run" # no systemd runs here
ip link set lo up
mkdir "$work/root/try"
cp -R "$@" "$work/root/try/"
cp "$script" "$work/root/try-script"
exec chroot "$work/root" /bin/bash -c 'cd /try && exec /bin/bash /try-script' </dev/null

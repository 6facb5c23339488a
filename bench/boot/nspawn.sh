#!/bin/sh
# Starts systemd-nspawn on the machine that holder.sh keeps in /mnt.
#
# nspawn.sh PACKAGES GROUP ARGUMENT...   (as root, as process 1 of a process namespace and in a mount namespace of its own)
# PACKAGES is where its packages are unpacked, GROUP is a control group of our own; it makes two more in it.
set -eu
packages=$1 group=$2
shift 2
# The writer itself, whatever its number is out there.
echo 0 > "$group/cgroup.procs"
mount --make-rprivate /
mount -t proc proc /proc
# It leaves files there.
mount -t tmpfs -o mode=755 run /run
# Where groups of both versions are mounted, it shall see the second one alone.
[ "${group%/*}" = /sys/fs/cgroup ] || mount --bind "${group%/*}" /sys/fs/cgroup
cd /mnt
mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay root
for libraries in "$packages"/usr/lib/*/systemd; do
    export LD_LIBRARY_PATH="$libraries:${libraries%/*}"
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec "$packages/usr/bin/systemd-nspawn" --quiet --register=no --keep-unit --directory=/mnt/root --machine=boots \
    --private-users=100000:65536 --private-network --link-journal=no --resolv-conf=off \
    --timezone=off "$@"

#!/bin/sh
# Holds what a machine keeps from one boot to the next, in memory, until its standard input is closed.
#
# holder.sh ROOT   (as root, in a mount namespace of its own; ROOT belongs to the user namespace that begins at 100000)
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine /mnt
cd /mnt
mkdir lower root upper work
chown 100000:100000 upper work
mount --bind "$1" lower
mount -o remount,bind,ro lower
echo held
exec cat

#!/bin/sh
# Becomes the init of a machine: what a container's manager does before it.
#
# inside.sh CONSOLE CMDLINE   (in namespaces of its own, as their root, where holder.sh has made /mnt)
# What is the other machine's stays out of reach: its files belong to users that do not exist in here, its kernel's
# settings are read only, and there are no devices but those that are nobody's.
set -eu
console=$1 cmdline=$2
cd /mnt
mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay root
mount -t proc proc root/proc
mount -t sysfs -o ro sysfs root/sys
for part in sys irq bus fs; do
    mount --bind "root/proc/$part" "root/proc/$part"
    mount -o remount,bind,ro "root/proc/$part"
done
mount -t tmpfs -o mode=755 dev root/dev
for node in null zero full random urandom tty; do
    : > "root/dev/$node"
    mount --bind "/dev/$node" "root/dev/$node"
done
: > root/dev/console
mount --bind "$console" root/dev/console
mkdir root/dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
ln -s fd/0 root/dev/stdin
ln -s fd/1 root/dev/stdout
ln -s fd/2 root/dev/stderr
mount -t tmpfs -o mode=755 run root/run
echo "$cmdline" > root/run/cmdline
mount --bind root/run/cmdline root/proc/cmdline
cd root
pivot_root . mnt
umount -l /mnt
# What a kernel does not know and does not look like a setting is its init's.
set --
for word in $cmdline; do
    case $word in
        *[=.]*) ;;
        *) set -- "$@" "$word" ;;
    esac
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb /sbin/init "$@" < /dev/console > /dev/console 2>&1

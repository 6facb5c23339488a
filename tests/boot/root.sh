#!/bin/sh
# Makes a Debian that boots with sysvinit, insserv and startpar, and has ordinary daemons.
#
# root.sh SUITE MIRROR PACKAGES CACHE ROOT   (as root, in mount and process namespaces of its own)
# PACKAGES is a list, CACHE keeps the .deb files, ROOT is made.
set -eu
suite=$1 mirror=$2 packages=$3 cache=$4 root=$5
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
mount --make-rprivate /
mkdir -p "$cache/base" "$cache/archives/partial"
debootstrap --variant=minbase --cache-dir="$cache/base" "$suite" "$root" "$mirror"

# What an administrator who wants no systemd writes, and nothing is started while it is installed.
mkdir -p "$root/etc/apt/preferences.d"
printf 'Package: systemd systemd-sysv\nPin: release *\nPin-Priority: -1\n' > "$root/etc/apt/preferences.d/no-systemd"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo boots > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 boots\n' > "$root/etc/hosts"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount --bind "$cache/archives" "$root/var/cache/apt/archives"
install() {
    chroot "$root" apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 -o APT::Keep-Downloaded-Packages=true \
        install -y --no-install-recommends "$@"
}
install sysvinit-core initscripts sysv-rc insserv startpar orphan-sysvinit-scripts
# shellcheck disable=SC2046 # one word for each package
install $(sed '/^#/d' "$packages")

umount "$root/var/cache/apt/archives"
umount -R "$root/dev" "$root/proc"
rm "$root/usr/sbin/policy-rc.d"
rm -rf "$root/var/lib/apt/lists" "$root/var/cache/apt/"*.bin "$root/var/cache/debconf/"*-old "$root/var/log/"*.log
mkdir -p "$root/var/lib/apt/lists/partial"
echo nameserver 127.0.0.1 > "$root/etc/resolv.conf"

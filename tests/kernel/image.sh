#!/bin/sh
# Has an initramfs made by Debian's own tools, which are unpacked, not installed: into a copy of this machine's root
# that exists in memory only and for nobody else.
#
# image.sh PACKAGES PROJECT BUILD IMAGE PROGRAM RELEASE ARGUMENTS...   (in a mount namespace of its own)
# PACKAGES holds .deb files, BUILD stays writable, IMAGE is below it; ARGUMENTS are for systemtap-service.
set -eu
packages=$1 project=$2 build=$3 image=$4 program=$5 release=$6
shift 6
top=$(mktemp -d)
if ! mount -t tmpfs image "$top"; then
    rmdir "$top"
    exit 77
fi
mkdir "$top/upper" "$top/work" "$top/root" "$top/unpacked"
for package in "$packages"/*.deb; do
    dpkg-deb --extract "$package" "$top/unpacked"
done
# /bin, /sbin and /lib are links on this machine, and directories in the packages.
for dir in bin sbin lib lib64; do
    [ -d "$top/unpacked/$dir" ] || continue
    mkdir -p "$top/unpacked/usr/$dir"
    cp -a "$top/unpacked/$dir/." "$top/unpacked/usr/$dir/"
    rm -r "${top:?}/unpacked/$dir"
done
mount -t overlay root -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root" || exit 77
cp -a "$top/unpacked/." "$top/root/"
mount --bind /proc "$top/root/proc"
mount --bind /dev "$top/root/dev"
mkdir -p "$top/root/$build"
mount --bind "$build" "$top/root/$build"
chroot "$top/root" ldconfig
cp "/lib/modules/$release/build/.config" "$top/root/boot/config-$release"
cp "$program" "$top/root/usr/sbin/systemtap-service"
cp -r "$project/contrib/initramfs-tools/." "$top/root/etc/initramfs-tools/"
# No modules of the kernel's own: there are none on this machine, and none are needed to get this far.
echo MODULES=list >> "$top/root/etc/initramfs-tools/initramfs.conf"
mkdir -p "$top/root/etc/initramfs-tools/scripts/init-premount"
cp "$project/tests/kernel/guest/report" "$top/root/etc/initramfs-tools/scripts/init-premount/report"
chroot "$top/root" systemtap-service onboot -o "$image" -r "$release" "$@"

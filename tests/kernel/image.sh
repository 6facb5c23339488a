#!/bin/sh
# Has an initramfs made by Debian's own tools, which are unpacked, not installed: into a copy of this machine's root
# that exists in memory only and for nobody else.
#
# image.sh MAKER PACKAGES PROJECT BUILD IMAGE PROGRAM RELEASE ARGUMENTS...   (in a mount namespace of its own)
# MAKER is dracut or initramfs-tools; PACKAGES holds .deb files, BUILD stays writable, IMAGE is below it; ARGUMENTS are
# for systemtap-service.
set -eu
maker=$1 packages=$2 project=$3 build=$4 image=$5 program=$6 release=$7
shift 7
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
mount --bind /sys "$top/root/sys"
mkdir -p "$top/root/$build"
mount --bind "$build" "$top/root/$build"
chroot "$top/root" ldconfig
cp "/lib/modules/$release/build/.config" "$top/root/boot/config-$release"
cp "$program" "$top/root/usr/sbin/systemtap-service"
# No modules of the kernel's own: there are none on this machine, and none are needed to get this far.
case $maker in
    initramfs-tools)
        etc=$top/root/etc/initramfs-tools
        cp -r "$project/contrib/initramfs-tools/." "$etc/"
        echo MODULES=list >> "$etc/initramfs.conf"
        mkdir -p "$etc/scripts/init-premount"
        cp "$project/tests/kernel/guest/report" "$etc/scripts/init-premount/report"
        ;;
    dracut)
        modules=$top/root/usr/lib/dracut/modules.d
        cp -r "$project/contrib/dracut/99stap" "$modules/"
        mkdir "$modules/99report"
        cp "$project/tests/kernel/guest/report" "$modules/99report/report.sh"
        # shellcheck disable=SC2016 # dracut's variable
        echo 'install() { inst_hook cmdline 99 "$moddir/report.sh"; }' > "$modules/99report/module-setup.sh"
        mkdir -p "$top/root/etc/dracut.conf.d"
        printf '%s\n' 'dracutmodules=" base report "' 'no_kernel=yes' 'hostonly=no' 'compress=cat' \
            > "$top/root/etc/dracut.conf.d/test.conf"
        ;;
esac
chroot "$top/root" systemtap-service onboot -o "$image" -r "$release" "$@"

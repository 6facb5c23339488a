#!/bin/sh
# What goes wrong early, and keeps no machine from booting.
#
# A directory where the history should be; a disk that is full.
mkdir -p /etc/serel/history.db
both directory
rmdir /etc/serel/history.db
mount -t tmpfs -o size=8k full /etc/serel
both full
umount /etc/serel
rm /out/journal
# serelrc is killed half-way, and goes on where it was.
mount -t proc proc /proc
mount -t tmpfs run /run
# shellcheck disable=SC2016 # the script's parent
hook checkroot 'kill -KILL $PPID'
step killed serelrc start S
rm /out/hook.checkroot
step resumed serelrc start S --resume
step resumed-ran ran
# Two scripts that need each other, one that is no program at all, and one that cannot be run.
for name in egg:hen hen:egg; do
    sed "s/@name@/${name%:*}/; s/@needs@/${name#*:}/; s/@level@/2/; s/@name@/${name%:*}/g" /cases/script > "/etc/init.d/${name%:*}"
done
sed 's/@name@/ghost/; s/@needs@//; s/@level@/2/; s/@name@/ghost/g; s,#!/bin/sh,#!/bin/ghost,' /cases/script \
    > /etc/init.d/ghost
chmod 755 /etc/init.d/egg /etc/init.d/hen /etc/init.d/ghost
step circle serelrc start 2
step circle-ran ran
rm /etc/init.d/egg /etc/init.d/hen /etc/init.d/ghost

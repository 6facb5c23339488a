# What does not matter to the order of a boot is not started: an interpreted processor has all evening.
# shellcheck shell=sh
kept="mountkernfs.sh udev mountdevsubfs.sh hostname.sh checkroot.sh checkfs.sh checkroot-bootclean.sh kmod
 mountall.sh mountall-bootclean.sh procps bootlogd stop-bootlogd networking mountnfs.sh mountnfs-bootclean.sh bootmisc.sh
 rsyslog dbus cron ssh memcached rmnologin bootlogs rc.local sendsigs umountnfs.sh umountfs umountroot halt"
kept=$(echo "$kept" | tr '\n' ' ')
for link in /root/etc/rc[S02].d/[SK][0-9][0-9]*; do
  case " $kept " in
    *" ${link##*/[SK][0-9][0-9]} "*) ;;
    *) rm "$link" ;;
  esac
done

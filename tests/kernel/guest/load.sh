#!/bin/sh
# Three modules, of which `guest` stands on `host`: the kernel keeps that order.
cd /modules || exit
step guest-alone staprun -L guest.ko
step host staprun -L host.ko
step other staprun -L other.ko
step guest staprun -L guest.ko
step again staprun -L other.ko
step loaded loaded
step srvstat cat /proc/systemtap/other/srvstat
step unload-host-held staprun -d host
step unload-guest staprun -d guest
step unload-host staprun -d host
step unload-other staprun -d other
step unload-unloaded staprun -d other
step left loaded

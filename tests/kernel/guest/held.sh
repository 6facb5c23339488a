#!/bin/sh
# A daemon that is asked to stop while another module stands on its own: it ends, the module stays.
cd /modules || exit
staprun -D -o /run/held.log host.ko > /run/pid
until_so grep -q '^[0-9]' /run/pid
pid=$(cat /run/pid)
until_so grep -q 'host begins' /run/held.log
step guest staprun -L guest.ko
kill "$pid"
until_so test ! -d "/proc/$pid"
step zombie loaded
step unload-held staprun -d host
step unload-guest staprun -d guest
step unload-host staprun -d host
step log cat /run/held.log
step left loaded

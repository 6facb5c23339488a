#!/bin/sh
# A daemon's module on which another one stands that the service knows nothing of.
step start systemtap-service start -c /etc/held/config host
step stranger staprun -L /modules/stranger.ko
step stop systemtap-service stop -c /etc/held/config host
step held loaded
step status systemtap-service status -c /etc/held/config host
pid=$(cat /run/held/host)
kill "$pid"
until_so test ! -d "/proc/$pid"
step zombie loaded
step stop-zombie systemtap-service stop -c /etc/held/config host
step status-zombie systemtap-service status -c /etc/held/config host
step unload-stranger staprun -d stranger
step stop-again systemtap-service stop -c /etc/held/config host
step left loaded

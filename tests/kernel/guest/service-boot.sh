#!/bin/sh
# A machine without compiler and without scripts boots what was compiled for its kernel elsewhere.
step stap which stap
step scripts ls -A /etc/systemtap/script.d
step start systemtap-service start
step loaded loaded
step status systemtap-service status
step files ls /run/systemtap
pid=$(cat /run/systemtap/other)
step daemon readlink "/proc/$pid/exe"
step again systemtap-service start
step again-loaded loaded
until_so grep -q 'tick 2' /run/other.log
step restart systemtap-service restart
step restarted systemtap-service status
step old-daemon test -d "/proc/$pid"
step stop systemtap-service stop
step left loaded
step stopped systemtap-service status
step log head -n 1 /run/other.log
step stop-again systemtap-service stop

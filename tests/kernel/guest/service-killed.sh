#!/bin/sh
# A daemon that was killed, and one whose number belongs to somebody else by now.
step start systemtap-service start other
pid=$(cat /run/systemtap/other)
kill -KILL "$pid"
until_so test ! -d "/proc/$pid"
step orphan loaded
step status systemtap-service status other
step stop systemtap-service stop other
step unloaded loaded
step start-again systemtap-service start other
kill -KILL "$(cat /run/systemtap/other)"
sleep 1000 &
innocent=$!
echo "$innocent" > /run/systemtap/other
step stop-again systemtap-service stop other
step innocent kill -0 "$innocent"
kill "$innocent"
step left loaded

#!/bin/sh
# Two callers at one time.
systemtap-service start > /run/first 2>&1 &
first=$!
step second systemtap-service start
wait "$first"
step first test $? = 0
step loaded loaded
step stop systemtap-service stop
step left loaded

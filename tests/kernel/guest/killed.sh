#!/bin/sh
# A daemon that is killed outright leaves its module behind, which can then be unloaded by name.
cd /modules || exit
staprun -D -o /run/killed.log other.ko > /run/pid
until_so grep -q '^[0-9]' /run/pid
pid=$(cat /run/pid)
until_so grep -q 'tick 1' /run/killed.log
step attached staprun -d other
kill -KILL "$pid"
until_so test ! -d "/proc/$pid"
step orphan loaded
step unload staprun -d other
step left loaded

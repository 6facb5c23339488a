#!/bin/sh
# The flight recorder in memory, read by attaching; and the one in a file, whose daemon tells its pid late.
cd /modules || exit
step memory staprun -L other.ko
until_so sh -c 'sleep 1'
# A reader that is told to QUIT leaves the module behind, still running.
attach() {
    staprun -A other > /run/attached &
    until_so grep -q 'tick 3' /run/attached
    kill -QUIT $!
    wait $!
    cat /run/attached
}
step attach attach
step memory-loaded loaded
step unload-memory staprun -d other
step file staprun -D -o /run/other.log other.ko
late_pid() {
    staprun -D -o /run/other.log other.ko > /run/pid || return
    until_so grep -q '^[0-9][0-9]*$' /run/pid
    cat /run/pid
}
step unload-first killall stapio
until_so is_gone other
step daemon late_pid
pid=$(cat /run/pid)
until_so grep -q 'tick 3' /run/other.log
step daemon-is readlink "/proc/$pid/exe"
step daemon-loaded loaded
step stop kill "$pid"
until_so is_gone other
step log cat /run/other.log
step left loaded

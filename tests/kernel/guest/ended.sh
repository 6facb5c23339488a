#!/bin/sh
# A script that has called exit() keeps its module, but its state can no longer be read.
cd /modules || exit
step ender staprun -L ender.ko
until_so sh -c '! cat /proc/systemtap/ender/srvstat'
step loaded loaded
step srvstat cat /proc/systemtap/ender/srvstat
step unload staprun -d ender
step left loaded

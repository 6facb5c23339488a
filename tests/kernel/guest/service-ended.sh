#!/bin/sh
# A script that ends by itself.
step start systemtap-service start ender
until_so sh -c '! cat /proc/systemtap/ender/srvstat'
step status systemtap-service status ender
step stop systemtap-service stop ender
step left loaded

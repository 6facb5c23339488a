#!/bin/sh
# What an initramfs has loaded belongs to the service once it is there.
step loaded loaded
step status systemtap-service status -c /serel/config
step files ls /run/systemtap
attach() {
    staprun -A host > /run/said &
    until_so grep -q "notes 1" /run/said
    kill -QUIT $!
    wait
    head -n 1 /run/said
}
step attach attach
step stop systemtap-service stop -c /serel/config
step left loaded

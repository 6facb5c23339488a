#!/bin/sh
# Nothing is mounted, /dev has a console and no more, and the clock has never been set.
step clock date +%Y
step files ls /proc /dev /run /tmp /sys
both first
step first-ran ran
both second
step second-ran ran
step left ls /etc/serel /run
# The clock is set in the middle of it.
hook checkroot date -s 2031-01-01
both clock
step clock-is date +%Y
step clock-ran ran
date -s '1970-01-01 01:00' > /out/stdout

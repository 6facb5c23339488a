#!/bin/sh
# The root cannot be written before a script of S says so, or never, and nothing else is there to be written.
read_only
both never
step never-ran ran
step left ls /etc
hook checkroot mount -t tmpfs -o remount,rw root /
both late
step late-ran ran
read_only
both kept

#!/bin/sh
# A history that is none, first where it cannot be mended, then where it can.
mkdir /etc/serel
yes nonsense | head -c 40000 > /etc/serel/history.db
read_only
both first
writable
both second
both third
step files ls /etc/serel

#!/bin/sh
# A whole runlevel: the init script is first of all services, so that the others can be traced.
step start serelrc start 2
step seen cat /run/traced
step init-status /etc/init.d/systemtap status
step stop serelrc stop 6
step left loaded

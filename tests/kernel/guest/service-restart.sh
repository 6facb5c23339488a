#!/bin/sh
# A restart that cannot compile leaves running what runs.
step start systemtap-service start -c /etc/full/config
step loaded loaded
pid=$(cat /run/full/other)
echo '# changed' >> /etc/full/script.d/other.stp
step restart systemtap-service restart -c /etc/full/config other
step still loaded
step same-daemon test -d "/proc/$pid"
step status systemtap-service status -c /etc/full/config other
step stop systemtap-service stop -c /etc/full/config
step left loaded

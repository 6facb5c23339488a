#!/bin/sh
# Requirements first, dependents first the other way round; what others still need stays.
step start-guest systemtap-service start -R guest
step loaded loaded
step start-other systemtap-service start other
step stop-other systemtap-service stop -R other
step without-other loaded
step stop-host systemtap-service stop host
step after-stop-host loaded
step stop systemtap-service stop
step left loaded

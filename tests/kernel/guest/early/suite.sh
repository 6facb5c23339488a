#!/bin/sh
# All that a boot may call, where the root cannot be written: daemon, history, and scripts that speak for themselves.
mount -t tmpfs run /run
read_only
step daemon sereld
populate() {
    for name in mountkernfs udev hostname checkroot mountall network; do
        echo "$name /etc/init.d/$name"
    done | sed '1s/^/--pairs /' | serelhistory --populate
}
step populate populate
step verify serelhistory --query verify
hook mountall serelc --provide early --immediate
step unit serelrc start S
step known serelc --query services
step stop serelc --control stop
writable
step later serelrc start 2
step verify-later serelhistory --query verify

#!/bin/sh
# The root can be written only after S: what is learnt until then waits in /run, where there is one by then.
read_only
hook mountkernfs 'mount -t proc proc /proc; mount -t tmpfs run /run'
both waits
step left ls /etc
step waiting ls /run/serel
writable
step later serelrc start 2
step saved ls /run/serel
database() {
    gzip -c /etc/serel/history.db | base64
}
step database database

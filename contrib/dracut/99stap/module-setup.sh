#!/bin/bash
# Puts compiled systemtap scripts into an initramfs. What belongs in stands in params.conf, which
# `systemtap-service onboot` writes; that also names this module, and nothing else does.

check() {
    # shellcheck disable=SC2154 # moddir is dracut's
    [ -r "$moddir/params.conf" ] || return 1
    # shellcheck source=/dev/null
    . "$moddir/params.conf"
    [ -n "$ONBOOT_SCRIPTS" ] || return 1
    return 255
}

depends() {
    return 0
}

install() {
    local script
    # shellcheck source=/dev/null
    . "$moddir/params.conf"
    inst "$STAPRUN"
    inst "$STAPIO"
    for script in $ONBOOT_SCRIPTS; do
        inst_simple "$CACHE_PATH/$KRELEASE/$script.ko"
    done
    inst_simple "$moddir/params.conf" /etc/systemtap-params.conf
    inst_hook cmdline 01 "$moddir/start-staprun.sh"
}

#!/bin/bash
# Puts compiled systemtap scripts into an initramfs. What belongs in stands in params.conf, which
# `systemtap-service onboot` writes when its image is good (until then it names another file); that also names this
# module, and nothing else does.

check() {
    # shellcheck disable=SC2154 # moddir is dracut's
    local parameters=${SYSTEMTAP_SERVICE_PARAMETERS:-$moddir/params.conf}
    [ -r "$parameters" ] || return 1
    # shellcheck source=/dev/null
    . "$parameters"
    [ -n "$ONBOOT_SCRIPTS" ] || return 1
    return 255
}

depends() {
    return 0
}

install() {
    local script present='' parameters=${SYSTEMTAP_SERVICE_PARAMETERS:-$moddir/params.conf}
    # shellcheck source=/dev/null
    . "$parameters"
    if ! [ -x "$STAPRUN" ] || ! [ -x "$STAPIO" ]; then
        dwarn "systemtap: no scripts are put in: there is no '$STAPRUN' or no '$STAPIO'"
        return 0
    fi
    inst "$STAPRUN"
    inst "$STAPIO"
    for script in $ONBOOT_SCRIPTS; do
        if [ -r "$CACHE_PATH/$KRELEASE/$script.ko" ]; then
            inst_simple "$CACHE_PATH/$KRELEASE/$script.ko"
            present="$present${present:+ }$script"
        else
            dwarn "systemtap: $script is left out; systemtap-service onboot compiles it"
        fi
    done
    # shellcheck disable=SC2154 # initdir is dracut's
    mkdir -p "$initdir/etc"
    { cat "$parameters" && echo "ONBOOT_SCRIPTS='$present'"; } > "$initdir/etc/systemtap-params.conf"
    inst_hook cmdline 01 "$moddir/start-staprun.sh"
}

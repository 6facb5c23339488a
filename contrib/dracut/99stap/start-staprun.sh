#!/bin/sh
# Loads the scripts of params.conf. Each has -L among its options: staprun loads and goes, the boot never waits.
# What staprun says is kept apart from the status files of the service.

# shellcheck source=/dev/null
. /etc/systemtap-params.conf
for script in $ONBOOT_SCRIPTS; do
    said=/dev/null
    if [ "$LOG_BOOT_ERR" = 1 ]; then
        mkdir -p /run/systemtap-boot
        said=/run/systemtap-boot/$script.log
    fi
    eval "options=\$${script}_OPT"
    # shellcheck disable=SC2086,SC2154 # options are words
    "$STAPRUN" $options "$CACHE_PATH/$KRELEASE/$script.ko" < /dev/null > "$said" 2>&1
done

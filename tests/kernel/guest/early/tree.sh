# Read before each case: what is asked of serelrc, and of its scripts, in the cases of early boot.
# shellcheck shell=sh

# both NAME: the scripts of S, then those of 2.
both() {
    step "$1-S" serelrc start S
    step "$1-2" serelrc start 2
}

# cached LEVEL: what the history has of it.
cached() {
    step "plan-$1" serelrc plan "$1" --json
}

# hook SCRIPT COMMAND...: what a script does, besides saying that it ran.
hook() {
    hooked=$1
    shift
    echo "$@" > "/out/hook.$hooked"
}

read_only() {
    mount -t tmpfs -o remount,ro root /
}

writable() {
    mount -t tmpfs -o remount,rw root /
}

# ran: what ran since the last time.
ran() {
    cat /out/journal
    rm /out/journal
}

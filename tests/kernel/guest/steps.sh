# Read before each case: a step is one command, of which the exit code and both outputs are reported.
# shellcheck shell=sh

# Where a step's outputs are kept.
: "${OUT:=/run}"

# step NAME COMMAND...
step() {
    echo "@step $1"
    shift
    "$@" > "$OUT/stdout" 2> "$OUT/stderr" < "$OUT/empty"
    code=$?
    awk '{ print "1 " $0 }' "$OUT/stdout"
    awk '{ print "2 " $0 }' "$OUT/stderr"
    echo "@code $code"
}
: > "$OUT/empty"

# until_so COMMAND...: runs it every 50 ms until it succeeds; the time limit of the case is its own.
until_so() {
    while ! "$@" > /dev/null 2>&1; do
        usleep 50000
    done
}

# saved: waits until serel has saved what it learnt of a boot, which rc does not wait for.
saved() {
    for pid in $(pgrep -x serel-history); do
        tail --pid="$pid" -f /dev/null
    done
}

# loaded: name, users and holders of all modules.
loaded() {
    awk '{ print $1, $3, $4 }' /proc/modules
}

is_loaded() {
    grep -q "^$1 " /proc/modules
}

is_gone() {
    ! is_loaded "$1"
}

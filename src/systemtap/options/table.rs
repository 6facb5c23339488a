//! Every option of stap, and which of the two programs it is for.
//!
//! The letters are those of the manual of 0.2.1 (4.2.1), completed with all that stap 5 knows.

/// Whether an option has an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// It has none.
    None,
    /// It has one, in the same or the next word.
    Required,
    /// It may have one behind a `=`.
    Optional,
}

/// What is done with an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Dropped: the service does that itself, or it has no meaning here.
    Drop,
    /// For the compilation.
    Compile,
    /// For the start.
    Run,
    /// For both.
    Both,
    /// The start is given another letter for it.
    RunAs(&'static str),
    /// It names the back end.
    Runtime,
    /// With it stap does something else than to compile; why it is refused.
    Refuse(&'static str),
}

/// What becomes of a letter; `None` when stap does not know it.
pub(super) fn short(letter: char) -> Option<(Argument, Use)> {
    use Argument::{None as No, Required};
    Some(match letter {
        'h' | 'V' | 'k' | 'F' => (No, Use::Drop),
        'p' | 'm' | 'r' | 'e' => (Required, Use::Drop),
        'c' | 'x' | 'o' | 'S' => (Required, Use::Run),
        's' => (Required, Use::RunAs("-b")),
        'v' | 't' | 'g' | 'P' | 'b' | 'u' | 'q' | 'w' | 'W' | 'j' => (No, Use::Compile),
        'I' | 'R' | 'D' | 'B' | 'G' | 'E' | 'a' | 'd' | 'T' | 'J' => (Required, Use::Compile),
        'l' | 'L' => (Required, Use::Compile),
        'i' => (No, Use::Refuse("a service has nobody to talk to")),
        _ => return None,
    })
}

const NOT_COMPILED: &str = "with it stap does not compile the script";
const ELSEWHERE: &str = "scripts run on this machine only";

/// What becomes of a long option; `None` when stap 5 does not know it.
pub(super) fn long(name: &str) -> Option<(Argument, Use)> {
    use Argument::{None as No, Optional, Required};
    Some(match name {
        "vp" | "privilege" | "compatible" | "sysroot" | "sysenv" | "tmpdir" | "modinfo" | "rlimit-as"
        | "rlimit-cpu" | "rlimit-nproc" | "rlimit-stack" | "rlimit-fsize" | "stap-server"
        | "use-http-server" => (Required, Use::Compile),
        "target-namespaces" | "target-namespace" => (Required, Use::RunAs("-N")),
        "runtime" => (Required, Use::Runtime),
        "bpf" | "dyninst" => (No, Use::Runtime),
        "color"
        | "colour"
        | "prologue-searching"
        | "download-debuginfo"
        | "use-server"
        | "use-server-on-error"
        | "sign-module"
        | "privilege-level"
        | "kmap" => (Optional, Use::Compile),
        "save-uprobes" => (No, Use::Both),
        "skip-badvars"
        | "suppress-handler-errors"
        | "suppress-time-limits"
        | "all-modules"
        | "ldd"
        | "check-version"
        | "unprivileged"
        | "disable-cache"
        | "poison-cache"
        | "no-global-var-display"
        | "buildid-fallback"
        | "kelf"
        | "ignore-vmlinux"
        | "ignore-dwarf"
        | "verbose"
        | "timing"
        | "guru" => (No, Use::Compile),
        "help" | "version" => (No, Use::Drop),
        "interactive" | "monitor" => (Optional, Use::Refuse("a service has nobody to talk to")),
        "remote" | "remote-prefix" => (Optional, Use::Refuse(ELSEWHERE)),
        "clean-cache"
        | "list-servers"
        | "trust-servers"
        | "language-server"
        | "example"
        | "dump-functions"
        | "dump-probe-types"
        | "dump-probe-aliases"
        | "benchmark-sdt-loops"
        | "benchmark-sdt-threads" => (Optional, Use::Refuse(NOT_COMPILED)),
        _ => return None,
    })
}

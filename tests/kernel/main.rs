//! What only a kernel of one's own can show, in machines under QEMU: early boot, with nothing mounted; a Debian on a
//! disk that cannot be written at first; and systemtap-service, end to end. Debian's systemtap compiles real modules,
//! Debian's kernel loads them, and eBPF scripts run in the kernel of this machine where it lets them.
//!
//! A test binary of its own, because these tests need packages that a plain `cargo test` shall neither install nor miss
//! in silence. All modules are compiled once and all tests of a kind share their boots, so that the whole takes four
//! minutes at first and three from then on.

mod bpf;
#[path = "../support/cases.rs"]
mod cases;
mod compiling;
mod disk;
mod early;
mod image;
mod linux;
mod machine;
mod modules;
#[path = "../boot/namespace.rs"]
#[allow(dead_code, reason = "shared with the tests of containers")]
mod namespace;
mod onboot;
mod plain;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "shared with the integration tests")]
mod program;
#[path = "../boot/root.rs"]
#[allow(dead_code, reason = "shared with the tests of containers")]
mod root;
mod service;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    cases::run(
        &[
            early::CASES,
            disk::CASES,
            plain::CASES,
            compiling::CASES,
            service::CASES,
            onboot::CASES,
            bpf::CASES,
        ]
        .concat(),
    )
}

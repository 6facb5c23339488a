//! The program systemtap-service; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::systemtap::run()
}

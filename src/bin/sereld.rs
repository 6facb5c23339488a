//! The program sereld; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::sereld::run()
}

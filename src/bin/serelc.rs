//! The program serelc; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::serelc::run()
}

//! systemtap-service with the console that all runs have: live on a terminal, plain lines elsewhere.

use crate::report::Roster;
use crate::report::console::{self, Color, has_cursor};
use crate::systemtap::{self, Invocation};
use std::os::fd::AsFd as _;

/// Carries out a command; the exit code.
pub fn systemtap(call: &Invocation, color: Color) -> u8 {
    systemtap::run(call, &|plan, expected, _label| {
        let out = std::io::stdout();
        if !has_cursor(out.as_fd()) {
            return None;
        }
        console::open(out.as_fd(), Roster::new(plan, expected), color, false).ok()
    })
}

//! What scripts are called with: a word, and an environment.
//!
//! The same whoever calls them: the run, the links one by one, or what closes a unit.

use super::PATH;
use crate::ipc::{self, Address};
use crate::model::Phase;
use crate::unit::{Members, Request};
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;

/// The word for those that are stopped.
pub(super) const STOP: &str = "stop";

/// What the scripts are called with: those that halt and reboot "start" are called to stop, as rc always has.
pub(super) fn argument(request: &Request) -> &'static str {
    match (&request.members, request.phase) {
        (Members::Level { level, .. }, Phase::Start) if level.is_shutdown() => STOP,
        (_, Phase::Start) => "start",
        (_, Phase::Stop) => STOP,
    }
}

/// Our own environment, with what rc hands to its scripts where it is not there: levels and a PATH; and where they may
/// speak to the run.
pub(super) fn environment(request: &Request, ear: Option<&Address>) -> Vec<CString> {
    let mut variables: Vec<(Vec<u8>, Vec<u8>)> =
        std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect();
    let mut set = |name: &str, value: String, overwrite: bool| {
        let there = variables.iter_mut().find(|(known, _)| known == name.as_bytes());
        match there {
            Some((_, old)) if overwrite => *old = value.into_bytes(),
            Some(_) => {}
            None => variables.push((name.into(), value.into_bytes())),
        }
    };
    if let Members::Level { level, previous } = &request.members {
        let previous = previous.map_or("N".to_owned(), |level| level.to_string());
        for name in ["RUNLEVEL", "runlevel"] {
            set(name, level.to_string(), true);
        }
        for name in ["PREVLEVEL", "previous"] {
            set(name, previous.clone(), true);
        }
    }
    if let Some(address) = ear {
        set(ipc::RUN, address.to_string(), true);
    }
    set("PATH", PATH.to_owned(), false);
    variables
        .into_iter()
        .filter_map(|(name, value)| CString::new([&name[..], b"=", &value[..]].concat()).ok())
        .collect()
}

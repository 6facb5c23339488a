//! One unit of those that an rc asks for, with the options of `SEREL_OPTIONS`.
//!
//! They are read as a command line of serelrc, by the same code. A fault in them must not keep a machine from booting:
//! what does not fit is said and left out.

use super::general::General;
use super::serelrc::{self, RequiredStart};
use crate::boot::{Part, Switch};
use crate::log::LogError;
use crate::model::{Level, Phase};
use crate::root::Root;
use crate::unit::Members;
use std::ffi::OsString;

/// What an rc asks for.
pub(super) struct Ask<'a> {
    pub(super) root: &'a Root,
    /// `start` or `stop`.
    pub(super) verb: &'a str,
    pub(super) level: Level,
    pub(super) previous: Option<Level>,
    pub(super) switch: &'a Switch,
}

impl Ask<'_> {
    /// The unit, as serelrc would read it from its command line, with the options of the settings; logging begins as they
    /// say. What makes no sense there is said by `who` and left out.
    pub(super) fn part(&self, who: &str) -> Part {
        let (part, mut general) = self.fitting(who);
        if self.switch.debug {
            general.debuglevel = general.debuglevel.max(3);
        }
        match general.init_log("serelrc") {
            // By the first part.
            Ok(()) | Err(LogError::Twice) => {}
            Err(error) => {
                crate::log::say(format_args!("{who}: {error}: logging to standard error"));
                general.log = None;
                let _ = general.init_log("serelrc");
            }
        }
        part
    }

    /// The unit, and how it would be logged; without the options, if they do not fit.
    pub(super) fn fitting(&self, who: &str) -> (Part, General) {
        self.try_part().unwrap_or_else(|why| {
            let options = self.switch.options.join(" ");
            crate::log::say(format_args!("{who}: SEREL_OPTIONS=\"{options}\" is left out:\n{why}"));
            let plain = Switch { options: Vec::new(), ..self.switch.clone() };
            Ask { switch: &plain, ..*self }.try_part().expect("BUG: these words are our own")
        })
    }

    /// The same with all options. Errors in words with what is wrong with them: also when the machine would come up
    /// without its services, because nothing is run, or somewhere else.
    pub(super) fn try_part(&self) -> Result<(Part, General), String> {
        let Ask { root, verb, level, previous, switch } = *self;
        if switch.options.is_empty() {
            let phase = if verb == "start" { Phase::Start } else { Phase::Stop };
            return serelrc::plain_part(root.path(), phase, level, previous, RequiredStart::Order);
        }
        let mut words: Vec<OsString> = ["serelrc", "--root"].map(OsString::from).into();
        words.push(root.path().into());
        // A need that failed keeps nobody from being started, as ever on Debian.
        words.extend([verb, &level.to_string(), "--required-start", "order"].map(OsString::from));
        if let Some(previous) = previous {
            words.extend(["--previous".to_owned(), previous.to_string()].map(OsString::from));
        }
        words.extend(switch.options.iter().map(OsString::from));
        let (part, general) = serelrc::part(words)?;
        if part.common.root.path() != root.path() {
            return Err("--root: only the system that boots is run".to_owned());
        }
        if part.request.members != (Members::Level { level, previous }) {
            return Err("--previous: where it comes from is said by who calls".to_owned());
        }
        Ok((part, general))
    }
}

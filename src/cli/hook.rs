//! `serelrc rc LEVEL [PREVIOUS]`: what the hook in an rc calls before that runs a level itself (`contrib/rc`).
//!
//! 0 is for a level that has been run, whatever failed in it; 1 for one that rc is to run as if serel were not there.

use super::part::Ask;
use crate::boot::{self, Switch};
use crate::exit::Exit;
use crate::model::Level;
use crate::root::Root;
use clap::Args;

// Without a comment of its own, which clap would show in the place of what the verb does.
#[derive(Debug, Args)]
pub(super) struct HookArgs {
    /// The runlevel that the system goes to
    level: String,
    /// The runlevel that it comes from; N for none
    #[arg(default_value = "N")]
    previous: String,
}

/// Runs the level if it is ours.
pub(super) fn run(root: &Root, args: &HookArgs) -> Exit {
    let Some(level) = Level::parse(&args.level) else { return Exit::Failed };
    let switch = Switch::read(root);
    if let Err(why) = switch.runs(level, false) {
        log::info!("{why}: this is left to rc");
        return Exit::Failed;
    }
    if let Some(wish) = boot::one_by_one(root) {
        return leave(&wish);
    }
    // rc.sysinit may have no scripts of its own at all.
    if level == Level::S && !boot::has_directory(root, level) {
        return Exit::Failed;
    }
    // Who comes from nowhere has nothing to stop, except when it all ends.
    let previous = Level::parse(&args.previous).filter(|_| level != Level::S);
    let ask = |verb: &str| Ask { root, verb, level, previous, switch: &switch }.part("serelrc");
    let mut start = ask("start");
    start.running.behind = true;
    let exit = if previous.is_some() || level.is_shutdown() {
        boot::change(&start.common, &ask("stop").request, &start.request, &start.running)
    } else {
        boot::start(&start.common, &start.request, &start.running)
    };
    match exit {
        // All was tried, and what went wrong has been said.
        Exit::Ok | Exit::Failed | Exit::TimedOut => Exit::Ok,
        other => leave(&format!("the run ended with {}; what runs already is called once more", other as u8)),
    }
}

fn leave(why: &str) -> Exit {
    crate::log::say(format_args!("serelrc: {why}: going on without serel"));
    Exit::Failed
}

//! One file per program: arguments to options, no logic.

pub mod general;
mod hook;
pub mod lsb2rdf;
mod part;
pub mod serelc;
pub mod sereld;
pub mod serelhistory;
pub mod serelrc;
pub mod serelwrap;
pub mod startpar;
pub mod systemtap;

/// What the command lines of all programs are made of, in the order of their names: their manuals and completions are
/// written from it.
pub fn commands() -> [clap::Command; 7] {
    let mut commands = [
        lsb2rdf::command(),
        serelwrap::command(),
        serelc::command(),
        sereld::command(),
        serelhistory::command(),
        serelrc::command(),
        systemtap::command(),
    ];
    commands.iter_mut().for_each(clap::Command::build);
    commands
}

/// The same of serelrc in the place of startpar.
pub fn stand_in() -> clap::Command {
    let mut command = startpar::command();
    command.build();
    command
}

//! A compilation: stap in a directory of its own, then the new module into the cache.

use super::Failure;
use crate::systemtap::backend;
use crate::systemtap::cache::{Cache, Record};
use crate::systemtap::journal::{Journal, reason};
use crate::systemtap::settings::Runtime;
use crate::systemtap::work::make_directory;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// All that a compilation has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compile {
    /// The script.
    pub name: String,
    /// Its source.
    pub source: PathBuf,
    /// For which back end.
    pub runtime: Runtime,
    /// The compiler.
    pub stap: PathBuf,
    /// Its `-r`.
    pub kernel: String,
    /// Options of the script.
    pub options: Vec<String>,
    /// Arguments of the script.
    pub arguments: Vec<String>,
    /// A directory for this job alone, not made yet.
    pub work: PathBuf,
    /// Where the compiled script goes.
    pub cache: Cache,
    /// What it is made from.
    pub record: Record,
    /// Those of the options that what stap learns of kernels depends on.
    pub build_key: Vec<String>,
    /// Where stap keeps what it learns of kernels, and looks for options of its own; not anybody's home.
    pub systemtap_dir: PathBuf,
    /// The log.
    pub journal: Journal,
}

impl Compile {
    /// Does it.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("Failed to create temporary directory {}: {error}", self.work.display()))
        };
        std::fs::create_dir(&self.work).map_err(failed)?;
        let said = self.work.join("said");
        let mut command = self.command();
        self.journal.write(&format!("Exec: {}", words(&command)));
        let status = File::create_new(&said).map_err(failed).and_then(|file| {
            command.stdout(file.try_clone().map_err(failed)?).stderr(file);
            command.status().map_err(|error| Failure::new(format!("{}: {error}", self.stap.display())))
        });
        let text = self.journal.take_in(&said);
        let compiled = self.work.join(format!("{}.{}", self.name, self.runtime.ending()));
        if !status?.success() || !compiled.is_file() {
            let why = reason(&text, None).unwrap_or_else(|| "stap failed without a word".to_owned());
            return Err(Failure::new(why));
        }
        self.note_learned();
        let kept = self.cache.put(&self.name, self.runtime, &compiled, &self.record);
        kept.and_then(|()| self.cache.put_uprobes(&self.name, &self.work.join("uprobes/uprobes.ko"))).map_err(
            |error| Failure::new(format!("cannot write into {}: {error}", self.cache.directory.display())),
        )
    }

    /// Whether stap need not find out any more what this kernel can do, as it does once for each set of options: ten
    /// seconds of work, in which others of the set would do the same. What it finds has a name that only stap can
    /// tell, so a mark of ours lies in the same directory: who empties that takes the mark, too, and a mark that is
    /// wrong costs time and nothing else.
    pub fn has_learned(&self) -> bool {
        self.mark().exists()
    }

    fn note_learned(&self) {
        // Only where stap keeps something at all.
        let mark = self.mark();
        if mark.parent().is_some_and(Path::is_dir) {
            let _ = File::create(mark);
        }
    }

    fn mark(&self) -> PathBuf {
        let key = (&self.record.kernel, &self.record.stap, &self.build_key, self.runtime);
        let key = serde_json::to_vec(&key).expect("BUG: texts are JSON");
        self.systemtap_dir.join("cache").join(format!("serel-{}", blake3::hash(&key).to_hex()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.stap);
        command.args(["-E", backend::SERVICE_STATUS_PROBE, "-m", &self.name, "-p4", "-r", &self.kernel]);
        command.args(backend::of(self.runtime).compile_options()).args(&self.options);
        command.arg("--").arg(&self.source).args(&self.arguments);
        command.current_dir(&self.work).stdin(Stdio::null());
        // stap reads options from there, so it is one place, at boot and by hand. Without one it takes six times as long.
        let _ = make_directory(&self.systemtap_dir);
        command.env("SYSTEMTAP_DIR", &self.systemtap_dir);
        command
    }
}

/// A command as it is logged.
pub(in crate::systemtap) fn words(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain =
            !argument.is_empty() && !argument.contains(|c: char| c.is_whitespace() || "'\"$`\\".contains(c));
        if plain {
            text += &format!(" {argument}");
        } else {
            text += &format!(" '{}'", argument.replace('\'', "'\\''"));
        }
    }
    text.replace('\n', "\\n")
}

//! Scripts: which there are, what their parameters say, whom they require.

use super::cache::Cache;
use super::config::{Config, Variable};
use super::name;
use super::options::Options;
use super::settings::{Runtime, Settings};
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::definition::trust;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Endings of compiled scripts.
const COMPILED: [&str; 2] = ["ko", "bo"];

/// What there is, seen through one configuration.
#[derive(Debug, Clone, Copy)]
pub struct Scripts<'s> {
    /// What files say of scripts.
    pub config: &'s Config,
    /// What holds for all.
    pub settings: &'s Settings,
    /// The compiled ones.
    pub cache: &'s Cache,
}

/// One script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// Its source, which need not be there.
    pub source: PathBuf,
    /// What its options say, or why they cannot be used.
    pub options: Result<Options, String>,
    /// Its back end.
    pub runtime: Runtime,
}

impl<'s> Scripts<'s> {
    /// The names of all scripts, sorted, and what is wrong with files that look like scripts.
    pub fn all(self) -> (Vec<String>, Vec<String>) {
        let (mut names, mut odd) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(&self.settings.script_path).into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Some(name) = file.strip_suffix(".stp") else { continue };
            if !std::fs::metadata(entry.path()).is_ok_and(|meta| meta.is_file()) || name.is_empty() {
                continue;
            }
            match name::fault(name) {
                None => names.push(name.to_owned()),
                Some(fault) => odd.push(format!("{name} {fault}")),
            }
        }
        if self.settings.allow_cacheonly {
            names.extend(self.cache.names(&COMPILED));
        }
        names.sort_unstable();
        names.dedup();
        odd.sort_unstable();
        (names, odd)
    }

    /// One script, whether it is there or not.
    pub fn get(self, name: &str) -> Script {
        let source = self.settings.script_path.join(format!("{name}.stp"));
        let base = self.settings.log_file.parent().unwrap_or(Path::new("/var/log")).display().to_string();
        let mut options = Options::parse(self.config.value(&format!("{name}_OPT")), &base);
        let runtime = self.runtime(name, options.as_ref().ok());
        let runtime = runtime.unwrap_or_else(|why| {
            options = Err(why);
            Runtime::Kernel
        });
        options = options.and_then(|options| options.check(runtime).map(|()| options));
        if let Some(file) = self.config.refused(name) {
            options = Err(format!("its parameters stand in {file}, which was refused"));
        }
        Script { name: name.to_owned(), source, options, runtime }
    }

    /// The scripts that a script requires, each once, in the order given; and where that is written.
    pub fn requires(self, name: &str) -> (Vec<&'s str>, Option<&'s Variable>) {
        let variable = self.config.get(&format!("{name}_REQ"));
        let words = variable.map_or("", |variable| variable.value.as_str()).split_whitespace();
        let mut seen = HashSet::new();
        (words.filter(|word| seen.insert(*word)).collect(), variable)
    }

    /// What is wrong with words of a `_REQ` that cannot be names.
    pub fn odd_requirement(self, name: &str) -> Option<Diagnostic> {
        let (required, variable) = self.requires(name);
        let word = required.into_iter().find(|word| name::fault(word).is_some())?;
        let text = format!("{name}_REQ: {word} {}", name::fault(word)?);
        Some(self.config.finding(Severity::Error, variable?, text).help("name a script, without .stp"))
    }

    fn runtime(self, name: &str, options: Option<&Options>) -> Result<Runtime, String> {
        let word = self.config.value(&format!("{name}_RUNTIME"));
        if word.is_empty() {
            return Ok(options.and_then(|options| options.runtime).unwrap_or(self.settings.runtime));
        }
        Runtime::parse(word).ok_or_else(|| format!("{name}_RUNTIME is `{word}`: write kernel or bpf"))
    }
}

impl Script {
    /// Why its source must not be compiled; `None` when it may, or when there is none.
    pub fn fault(&self) -> Option<String> {
        let meta = std::fs::metadata(&self.source).ok()?;
        match trust::check("", &meta) {
            Some(fault) => Some(format!("{} {}", self.source.display(), fault.text)),
            None => trust::check_directory(self.source.parent()?),
        }
    }

    /// Whether its source is there.
    pub fn is_there(&self) -> bool {
        std::fs::metadata(&self.source).is_ok_and(|meta| meta.is_file())
    }
}

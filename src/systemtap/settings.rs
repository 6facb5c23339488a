//! The global parameters (README 0.2.1, 4.1, and those of later versions), with their defaults.

use super::config::{Config, DEFAULT_FILE};
use super::name;
use crate::definition::diagnostic::{Diagnostic, Severity};
use nix::unistd::{AccessFlags, access};
use std::path::{Path, PathBuf};

/// Where tools are looked for when no parameter names them, unless the configuration sets PATH; the caller's own PATH
/// decides nothing that root runs.
const TOOL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where stapio is, which nobody calls by hand.
const HIDDEN_PATH: [&str; 2] = ["/usr/libexec/systemtap", "/usr/lib/systemtap"];

/// Parameters that are paths, with their defaults.
const PATHS: [(&str, &str); 14] = [
    ("SCRIPT_PATH", "/etc/systemtap/script.d"),
    ("CONFIG_PATH", "/etc/systemtap/conf.d"),
    ("CACHE_PATH", "/var/cache/systemtap"),
    ("TEMP_PATH", "/tmp"),
    ("STAT_PATH", "/var/run/systemtap"),
    ("LOG_FILE", "/var/log/systemtap.log"),
    ("PROC_PATH", "/proc"),
    ("BUILD_PATH", "/lib/modules"),
    ("BOOT_PATH", "/boot"),
    ("HISTORY_FILE", crate::history::PATH),
    ("BPF_LOG_PATH", "/var/log/systemtap"),
    ("BPF_RUN_PATH", "/var/tmp/systemtap-root"),
    ("DRACUT_PATH", "/usr/lib/dracut/modules.d/99stap"),
    ("INITRAMFS_PATH", "/etc/initramfs-tools"),
];

/// Parameters that are yes or no, with their defaults and what a word that is neither means (as it always has).
const SWITCHES: [(&str, &str, bool); 5] = [
    ("PASSALL", "yes", false),
    ("RECURSIVE", "no", false),
    ("AUTOCOMPILE", "yes", true),
    ("ALLOW_CACHEONLY", "no", false),
    ("LOG_BOOT_ERR", "no", false),
];

/// Parameters that are programs, and their names when they are not set.
const TOOLS: [(&str, &str); 8] = [
    ("STAP", "stap"),
    ("STAPRUN", "staprun"),
    ("STAPBPF", "stapbpf"),
    ("DRACUT", "dracut"),
    ("LSINITRD", "lsinitrd"),
    ("MKINITRAMFS", "mkinitramfs"),
    ("LSINITRAMFS", "lsinitramfs"),
    ("STAPIO", "stapio"),
];

/// Seconds that a job may take: compilations take minutes on slow machines, and no boot may wait for ever.
const JOB_TIMEOUT: &str = "600";

/// Which back end runs a script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// A kernel module, loaded by staprun.
    #[default]
    Kernel,
    /// A BPF program, run by stapbpf.
    Bpf,
}

impl Runtime {
    /// Reads the word of a configuration or of `stap --runtime`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "kernel" => Some(Self::Kernel),
            "bpf" => Some(Self::Bpf),
            _ => None,
        }
    }

    /// The ending of its compiled files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Kernel => "ko",
            Self::Bpf => "bo",
        }
    }
}

/// What holds for all scripts.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch of the manual")]
pub struct Settings {
    /// Where scripts are.
    pub script_path: PathBuf,
    /// Where their configuration is.
    pub config_path: PathBuf,
    /// Below it a directory for each kernel.
    pub cache_path: PathBuf,
    /// For temporary files.
    pub temp_path: PathBuf,
    /// For status files.
    pub stat_path: PathBuf,
    /// The log.
    pub log_file: PathBuf,
    /// Where `modules` and `systemtap/` are.
    pub proc_path: PathBuf,
    /// Below it the build tree of each kernel, `RELEASE/build`; `None` leaves the choice to stap.
    pub build_path: Option<PathBuf>,
    /// Where initramfs images are.
    pub boot_path: PathBuf,
    /// Where runs are recorded; `None` for nowhere.
    pub history: Option<PathBuf>,
    /// For what BPF scripts print, unless they have `-o`.
    pub bpf_log_path: PathBuf,
    /// Where stapbpf makes the files of procfs probes.
    pub bpf_run_path: PathBuf,
    /// The dracut module that loads scripts in an initramfs.
    pub dracut_path: PathBuf,
    /// The configuration of initramfs-tools.
    pub initramfs_path: PathBuf,
    /// A script that fails makes the command fail.
    pub passall: bool,
    /// Requirements are followed even when scripts are named.
    pub recursive: bool,
    /// Scripts without a valid cache are compiled.
    pub autocompile: bool,
    /// Compiled scripts without a source count as scripts.
    pub allow_cacheonly: bool,
    /// An initramfs keeps what staprun says.
    pub log_boot_err: bool,
    /// Scripts that are started when none is named; empty for all.
    pub default_start: Vec<String>,
    /// The back end of scripts that do not name one.
    pub runtime: Runtime,
    /// Seconds that a compilation, start or stop may take; 0 is "for ever".
    pub job_timeout: u64,
    tools: Vec<(&'static str, PathBuf)>,
    tool_path: Vec<PathBuf>,
}

/// The variables that files may use, as they are before the first file is read.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static str)> {
    let switches = SWITCHES.iter().map(|(name, default, _)| (*name, *default));
    PATHS.iter().copied().filter(|(name, _)| *name != "BUILD_PATH").chain(switches).chain([
        ("CONFIG", DEFAULT_FILE),
        ("PATH", TOOL_PATH),
        ("DEFAULT_START", ""),
        ("RUNTIME", "kernel"),
        ("JOB_TIMEOUT", JOB_TIMEOUT),
    ])
}

/// Whether a parameter is one that holds for all scripts.
pub fn is_global(name: &str) -> bool {
    is_place(name) || presets().any(|(known, _)| known == name)
}

/// Whether it says where something is: without it nothing is found that could be looked at or ended.
pub fn is_place(name: &str) -> bool {
    matches!(name, "KRELEASE" | "PATH")
        || TOOLS.iter().any(|(tool, _)| *tool == name)
        || PATHS.iter().any(|(path, _)| *path == name)
}

/// What a word means as an answer: yes, no, or neither.
pub fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "y" | "Y" | "yes" | "Yes" | "YES" | "1" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "0" => Some(false),
        _ => None,
    }
}

impl Settings {
    /// Reads the parameters of a configuration; what is wrong with them is added to its problems. `None` when one cannot
    /// be used.
    pub fn of(config: &mut Config) -> Option<Self> {
        let mut problems = Vec::new();
        let settings = Self::read(config, &mut problems);
        config.problems.append(&mut problems);
        settings.ok()
    }

    fn read(config: &Config, problems: &mut Vec<Diagnostic>) -> Result<Self, Unusable> {
        Ok(Self {
            script_path: path(config, "SCRIPT_PATH", problems)?,
            config_path: path(config, "CONFIG_PATH", problems)?,
            cache_path: path(config, "CACHE_PATH", problems)?,
            temp_path: path(config, "TEMP_PATH", problems)?,
            stat_path: path(config, "STAT_PATH", problems)?,
            log_file: path(config, "LOG_FILE", problems)?,
            proc_path: path(config, "PROC_PATH", problems)?,
            build_path: optional(config, "BUILD_PATH", problems)?,
            boot_path: path(config, "BOOT_PATH", problems)?,
            history: optional(config, "HISTORY_FILE", problems)?,
            bpf_log_path: path(config, "BPF_LOG_PATH", problems)?,
            bpf_run_path: path(config, "BPF_RUN_PATH", problems)?,
            dracut_path: path(config, "DRACUT_PATH", problems)?,
            initramfs_path: path(config, "INITRAMFS_PATH", problems)?,
            passall: switch(config, "PASSALL", problems),
            recursive: switch(config, "RECURSIVE", problems),
            autocompile: switch(config, "AUTOCOMPILE", problems),
            allow_cacheonly: switch(config, "ALLOW_CACHEONLY", problems),
            log_boot_err: switch(config, "LOG_BOOT_ERR", problems),
            default_start: default_start(config, problems)?,
            runtime: runtime(config, problems),
            job_timeout: job_timeout(config, problems),
            tools: tools(config, problems),
            tool_path: config
                .value("PATH")
                .split(':')
                .filter(|dir| dir.starts_with('/'))
                .map(PathBuf::from)
                .collect(),
        })
    }

    /// A program: the one that its parameter names, else the one of the fixed path. Errors with the words for its absence.
    pub fn tool(&self, parameter: &str) -> Result<PathBuf, String> {
        if let Some((_, path)) = self.tools.iter().find(|(name, _)| *name == parameter) {
            let missing = || format!("{parameter} is {}, and there is no such program", path.display());
            return is_program(path).then(|| path.clone()).ok_or_else(missing);
        }
        let program =
            TOOLS.iter().find(|(name, _)| *name == parameter).map_or(parameter, |(_, program)| program);
        let hidden = HIDDEN_PATH.iter().map(Path::new).filter(|_| program == "stapio");
        let places = self.tool_path.iter().map(PathBuf::as_path).chain(hidden);
        let found = places.map(|dir| dir.join(program)).find(|path| is_program(path));
        found.ok_or_else(|| format!("there is no {program} ({parameter}, or PATH of the configuration)"))
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// A parameter cannot be used; a problem says why.
struct Unusable;

/// A path that must be absolute.
fn path(config: &Config, name: &str, problems: &mut Vec<Diagnostic>) -> Result<PathBuf, Unusable> {
    let variable = config.get(name).ok_or(Unusable)?;
    if variable.value.starts_with('/') && !variable.value.contains('\0') {
        return Ok(PathBuf::from(&variable.value));
    }
    let text = format!("{name} is not an absolute path: `{}`", variable.value);
    let fault = config.finding(Severity::Error, variable, text);
    problems.push(fault.help("write it from the root on: /.."));
    Err(Unusable)
}

/// A path that may be empty or unset.
fn optional(
    config: &Config,
    name: &str,
    problems: &mut Vec<Diagnostic>,
) -> Result<Option<PathBuf>, Unusable> {
    if config.value(name).is_empty() { Ok(None) } else { path(config, name, problems).map(Some) }
}

fn switch(config: &Config, name: &str, problems: &mut Vec<Diagnostic>) -> bool {
    let otherwise = SWITCHES.iter().any(|(known, _, otherwise)| *known == name && *otherwise);
    let Some(variable) = config.get(name) else { return otherwise };
    yes_or_no(&variable.value).unwrap_or_else(|| {
        let word = if otherwise { "yes" } else { "no" };
        let text = format!("{name} is `{}`, neither yes nor no, and is taken as {word}", variable.value);
        let fault = config.finding(Severity::Warning, variable, text);
        problems.push(fault.help(format!("write {name}=yes or {name}=no")));
        otherwise
    })
}

/// Nothing that can be used among what is set must not become "all".
fn default_start(config: &Config, problems: &mut Vec<Diagnostic>) -> Result<Vec<String>, Unusable> {
    let Some(variable) = config.get("DEFAULT_START") else { return Ok(Vec::new()) };
    let (good, bad): (Vec<&str>, Vec<&str>) =
        variable.value.split_whitespace().partition(|word| name::fault(word).is_none());
    let unusable = good.is_empty() && !bad.is_empty();
    let severity = if unusable { Severity::Error } else { Severity::Warning };
    for word in bad {
        let text = format!("{word} {}", name::fault(word).unwrap_or_default());
        problems.push(config.finding(severity, variable, text).help("remove it from DEFAULT_START"));
    }
    if unusable { Err(Unusable) } else { Ok(good.into_iter().map(str::to_owned).collect()) }
}

fn runtime(config: &Config, problems: &mut Vec<Diagnostic>) -> Runtime {
    let Some(variable) = config.get("RUNTIME") else { return Runtime::Kernel };
    Runtime::parse(&variable.value).unwrap_or_else(|| {
        let text = format!("RUNTIME is `{}`, which is not known", variable.value);
        problems.push(config.finding(Severity::Warning, variable, text).help("write kernel or bpf"));
        Runtime::Kernel
    })
}

fn job_timeout(config: &Config, problems: &mut Vec<Diagnostic>) -> u64 {
    let default = JOB_TIMEOUT.parse().expect("BUG: a number");
    let Some(variable) = config.get("JOB_TIMEOUT") else { return default };
    variable.value.parse().unwrap_or_else(|_| {
        let text = format!("JOB_TIMEOUT is `{}`, which is no number of seconds", variable.value);
        problems.push(
            config
                .finding(Severity::Warning, variable, text)
                .help(format!("write a number, 0 for no limit; {default} is taken")),
        );
        default
    })
}

fn tools(config: &Config, problems: &mut Vec<Diagnostic>) -> Vec<(&'static str, PathBuf)> {
    let mut tools = Vec::new();
    for (name, _) in TOOLS {
        if let Ok(Some(path)) = optional(config, name, problems) {
            tools.push((name, path));
        }
    }
    tools
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::Root;

    fn read(text: &str) -> (Option<Settings>, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut config = Config::new(presets());
        config.read_global(file.path().to_str().unwrap());
        let settings = Settings::of(&mut config);
        (settings, config.problems.iter().map(|problem| problem.render(&Root::default())).collect())
    }

    #[test]
    fn defaults_are_those_of_the_manual() {
        let (settings, said) = read("");
        let settings = settings.unwrap();
        assert_eq!(said, "");
        assert_eq!(settings.script_path, Path::new("/etc/systemtap/script.d"));
        assert_eq!(settings.config_path, Path::new("/etc/systemtap/conf.d"));
        assert_eq!(settings.cache_path, Path::new("/var/cache/systemtap"));
        assert_eq!(settings.temp_path, Path::new("/tmp"));
        assert_eq!(settings.stat_path, Path::new("/var/run/systemtap"));
        assert_eq!(settings.log_file, Path::new("/var/log/systemtap.log"));
        assert!(settings.passall && settings.autocompile);
        assert!(!settings.recursive && !settings.allow_cacheonly && !settings.log_boot_err);
        assert!(settings.default_start.is_empty() && settings.build_path.is_none());
    }

    #[test]
    fn words_that_are_neither_yes_nor_no_mean_what_they_always_have() {
        for word in ["true", "on", "''", "2", "yEs"] {
            let text = ["PASSALL", "RECURSIVE", "AUTOCOMPILE", "ALLOW_CACHEONLY"];
            let text = text.map(|name| format!("{name}={word}\n")).concat();
            let (settings, said) = read(&text);
            let settings = settings.unwrap();
            let switches =
                [settings.passall, settings.recursive, settings.autocompile, settings.allow_cacheonly];
            assert_eq!(switches, [false, false, true, false], "{word}");
            assert_eq!(said.matches("neither yes nor no").count(), 4, "{said}");
        }
        for (word, value) in
            [("n", false), ("NO", false), ("0", false), ("Y", true), ("Yes", true), ("1", true)]
        {
            assert_eq!(read(&format!("AUTOCOMPILE={word}")).0.unwrap().autocompile, value, "{word}");
        }
    }

    #[test]
    fn bad_values_are_said_where_they_stand() {
        let (settings, said) = read("STAT_PATH=run\n");
        assert!(settings.is_none());
        assert!(said.contains(":1:1: STAT_PATH is not an absolute path: `run`"), "{said}");
        let (settings, said) = read("DEFAULT_START='b-c ../d'");
        assert!(settings.is_none());
        assert!(said.contains("error") && said.contains("b-c is not a valid script name"), "{said}");
        let (settings, said) = read("DEFAULT_START='a b-c ../d'\nRUNTIME=x\nSTAP=/bin/sh STAPRUN=/opt/none");
        let settings = settings.unwrap();
        assert_eq!(settings.default_start, ["a"]);
        assert!(said.contains("b-c is not a valid script name"), "{said}");
        assert!(said.contains(":2:1: RUNTIME is `x`"), "{said}");
        assert_eq!(settings.tool("STAP"), Ok("/bin/sh".into()));
        assert!(settings.tool("STAPRUN").unwrap_err().contains("STAPRUN is /opt/none, and there is no such"));
    }
}

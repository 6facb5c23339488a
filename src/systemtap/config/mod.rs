//! Configuration files, read as data: the same grammar, order and name space as when a shell read them, and nothing
//! in them is ever run.
//!
//! First the global file, then every `*.conf` of `CONFIG_PATH` by name; each sees what those before have set. A file
//! with a fault in it does not count at all, and scripts whose parameters may stand in it are not started, because to
//! load a probe module with half of its options is worse than not to load it.

mod cursor;
mod syntax;
mod variables;
mod word;

pub use variables::Variable;

use super::name;
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::trust;
use crate::model::Place;
use crate::root::Root;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use syntax::{Parsed, parse};
use variables::Variables;
use word::Refusal;

/// Where the configuration is unless `-c` says otherwise.
pub const DEFAULT_FILE: &str = "/etc/systemtap/config";

/// Parameters with these endings belong to a script.
const SCRIPT_PARAMETERS: [&str; 3] = ["_OPT", "_REQ", "_RUNTIME"];

/// Commands of a shell with which a file may set a variable whose name stands nowhere in it.
const INDIRECT: [&str; 13] = [
    ".",
    "source",
    "eval",
    "declare",
    "typeset",
    "local",
    "readonly",
    "printf",
    "read",
    "mapfile",
    "readarray",
    "let",
    "getopts",
];

/// What all files together say.
#[derive(Debug, Default)]
pub struct Config {
    variables: Variables,
    files: Vec<String>,
    /// Scripts whose parameters stand in a file that was refused, and that file.
    refused: HashMap<String, String>,
    /// All names that may be set in files that were refused.
    lost: HashSet<String>,
    /// A file that may set anything, and was refused.
    opaque: Option<String>,
    /// What was found wrong, or worth a word.
    pub problems: Vec<Diagnostic>,
    /// The global file was refused.
    pub unusable: bool,
}

impl Config {
    /// Nothing but these variables, which files may use and change.
    pub fn new<'a>(presets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut config = Self::default();
        for (name, value) in presets {
            config.variables.preset(name, value);
        }
        config
    }

    /// Reads the global file. A missing one is worth a warning; the defaults hold.
    pub fn read_global(&mut self, file: &str) {
        if !Path::new(file).exists() {
            let text = "there is no such file: the defaults hold";
            let fault = Diagnostic::new(Severity::Warning, Kind::File, file, Place::default(), text);
            self.problems.push(fault.help("make one, or name another one with -c"));
            return;
        }
        self.unusable |= !self.read(file);
    }

    /// Reads the files of a directory: `*.conf`, in the order of their names. A file without that ending is read as
    /// well when it holds script parameters only, since the manual of 2009 told people to make such files.
    pub fn read_directory(&mut self, directory: &str) {
        let mut names = match names(directory) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.miss(directory),
            Err(error) => {
                let help = "make it a directory that can be read, or set CONFIG_PATH";
                return self.give_up(directory, format!("cannot be read: {error}"), help);
            }
        };
        if let Some(fault) = trust::check_directory(Path::new(directory)) {
            return self.give_up(directory, fault, "its files are not read");
        }
        names.sort_unstable();
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let file = format!("{}/{name}", directory.trim_end_matches('/'));
            let conf = Path::new(&name).extension().is_some_and(|ending| ending == "conf");
            match std::fs::metadata(&file) {
                Ok(meta) if !meta.is_file() => continue,
                Err(error) if conf => {
                    self.give_up(&file, format!("cannot be read: {error}"), "mend the link, or remove it");
                    continue;
                }
                _ => {}
            }
            if conf {
                self.read(&file);
            } else if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
                self.read_without_suffix(&file);
            }
        }
    }

    /// Says that a directory is not there that somebody has named; the default one need not be.
    fn miss(&mut self, directory: &str) {
        let Some(variable) = self.get("CONFIG_PATH").filter(|variable| !self.file(variable).is_empty())
        else {
            return;
        };
        let text = format!("CONFIG_PATH is `{directory}`, and there is no such directory");
        let finding = self.finding(Severity::Warning, variable, text);
        self.problems.push(
            finding.help("make it, or mend the path: nothing is known of scripts but what stands here"),
        );
    }

    /// A variable.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// The value of a variable; empty when it is not set.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).map_or("", |variable| &variable.value)
    }

    /// The file in which a variable was set.
    pub fn file(&self, variable: &Variable) -> &str {
        self.files.get(variable.file).map_or("", String::as_str)
    }

    /// The refused file in which parameters of a script stand.
    pub fn refused(&self, script: &str) -> Option<&str> {
        self.refused.get(script).map(String::as_str)
    }

    /// The names that may be set in refused files, in no order.
    pub fn lost(&self) -> impl Iterator<Item = &str> {
        self.lost.iter().map(String::as_str)
    }

    /// A refused file, or directory, that may hold parameters of any script.
    pub fn opaque(&self) -> Option<&str> {
        self.opaque.as_deref()
    }

    /// A finding about a variable, where it is set.
    pub fn finding(&self, severity: Severity, variable: &Variable, text: String) -> Diagnostic {
        Diagnostic::new(severity, Kind::Syntax, self.file(variable), variable.at, text)
    }

    /// Reads one file. False when it was refused.
    fn read(&mut self, file: &str) -> bool {
        let text = match text(file) {
            Ok(text) => text,
            Err(fault) => {
                self.problems.push(*fault);
                self.opaque.get_or_insert_with(|| file.to_owned());
                return false;
            }
        };
        let parsed = parse(&text);
        let mut faults = parsed.faults;
        if faults.is_empty() {
            match self.variables.assign(self.files.len(), &parsed.assignments) {
                Ok(missing) => {
                    for (name, at) in missing {
                        let text = format!("`{name}` is used here and never set: it stands for nothing");
                        let fault = Diagnostic::new(Severity::Warning, Kind::Syntax, file, at, text);
                        let help = format!("set it before, or write ${{{name}:-}} if that is what is meant");
                        self.problems.push(fault.help(help));
                    }
                    self.files.push(file.to_owned());
                    return true;
                }
                Err(fault) => faults.push(fault),
            }
        }
        self.refuse(file, &text);
        self.problems.extend(faults.into_iter().map(|fault| diagnostic(file, &text, fault)));
        false
    }

    /// Parameters that cannot be read are not the same as none.
    fn give_up(&mut self, path: &str, text: String, help: &str) {
        let fault = Diagnostic::new(Severity::Error, Kind::File, path, Place::default(), text);
        self.problems.push(fault.help(help));
        self.opaque.get_or_insert_with(|| path.to_owned());
    }

    /// Notes whose parameters may stand in a refused file: whatever looks like one, since nothing in it is certain.
    fn refuse(&mut self, file: &str, text: &str) {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut opaque = false;
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let mut words = line.split(|c: char| c.is_whitespace() || "'\"`;&|(){}".contains(c));
            opaque |= words.any(|word| INDIRECT.contains(&word));
            for (at, name) in names_in(line, part) {
                let (before, behind) = (&line[..at], &line[at + name.len()..]);
                let sets = behind.starts_with('=') || behind.starts_with(":=");
                if before.ends_with('$') || (before.ends_with("${") && !sets) {
                    // It is only used.
                    continue;
                }
                if let Some(script) = script_of(name) {
                    self.refused.insert(script.to_owned(), file.to_owned());
                }
                // `_OPT` is the rest of a name that a shell puts together.
                opaque |= SCRIPT_PARAMETERS.contains(&name);
                self.lost.insert(name.to_owned());
            }
        }
        if opaque {
            self.opaque.get_or_insert_with(|| file.to_owned());
        }
    }

    /// Reads a file that does not end in `.conf`, if it looks as if it should.
    fn read_without_suffix(&mut self, file: &str) {
        let help = format!("rename it to {file}.conf, or move it elsewhere");
        let note = |text: &str| {
            Diagnostic::new(Severity::Warning, Kind::File, file, Place::default(), text).help(help.clone())
        };
        let parameters = |parsed: &Parsed| {
            parsed.faults.is_empty() && parsed.assignments.iter().all(|a| script_of(&a.name).is_some())
        };
        match text(file) {
            Ok(text) if parameters(&parse(&text)) => {
                self.problems.push(note("is read though its name does not end in .conf"));
                self.read(file);
            }
            _ => self.problems.push(note("is not read: its name does not end in .conf")),
        }
    }
}

/// What is in a directory; a name that is no text is no file of ours.
fn names(directory: &str) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)?;
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// The script that a parameter belongs to.
fn script_of(parameter: &str) -> Option<&str> {
    let script = SCRIPT_PARAMETERS.iter().find_map(|ending| parameter.strip_suffix(ending))?;
    name::fault(script).is_none().then_some(script)
}

/// The runs of such characters in a text, with where they begin.
fn names_in(text: &str, part: impl Fn(char) -> bool + Copy) -> impl Iterator<Item = (usize, &str)> {
    let begins = text.char_indices().scan(false, move |inside, (at, c)| {
        let before = std::mem::replace(inside, part(c));
        Some((part(c) && !before).then_some(at))
    });
    begins.flatten().map(move |at| (at, text[at..].split(|c| !part(c)).next().unwrap_or_default()))
}

/// The text of a file. Bytes that are none become replacement characters, which may stand in comments and nowhere else.
fn text(file: &str) -> Result<String, Box<Diagnostic>> {
    let (bytes, _) = trust::read(&Root::default(), file)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn diagnostic(file: &str, text: &str, fault: Refusal) -> Diagnostic {
    let line = text.lines().nth(fault.at.line.saturating_sub(1) as usize).unwrap_or_default();
    Diagnostic::new(Severity::Error, Kind::Syntax, file, fault.at, fault.text)
        .line(line, fault.width)
        .help(fault.help)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir(tree.0.path().join("conf.d")).unwrap();
            for (name, text) in files {
                std::fs::write(tree.0.path().join(name), text).unwrap();
            }
            tree
        }

        fn read(&self) -> Config {
            let mut config = Config::new([("PASSALL", "yes")]);
            config.read_global(&self.0.path().join("config").display().to_string());
            config.read_directory(&self.0.path().join("conf.d").display().to_string());
            config
        }
    }

    fn texts(config: &Config) -> String {
        config.problems.iter().map(|problem| problem.render(&Root::default())).collect()
    }

    #[test]
    fn files_share_a_name_space_in_the_order_of_their_names() {
        let tree = Tree::new(&[
            ("config", "DIR=/var/log\nPASSALL=${PASSALL}x\n"),
            ("conf.d/10-a.conf", "a_OPT=\"-o $DIR/a\"\n"),
            ("conf.d/20-b.conf", "a_OPT=\"$a_OPT -t\"\na_OPT+=' -g'\n"),
            ("conf.d/notes.txt", "a_OPT=gone\n"),
            ("conf.d/.hidden.conf", "a_OPT=gone\n"),
            ("conf.d/old.conf~", "a_OPT=gone\n"),
        ]);
        let config = tree.read();
        assert_eq!(config.value("a_OPT"), "-o /var/log/a -t -g");
        assert_eq!(config.value("PASSALL"), "yesx");
        assert_eq!(config.value("NOT_SET"), "");
        let variable = config.get("a_OPT").unwrap();
        assert!(config.file(variable).ends_with("20-b.conf"));
        assert_eq!(variable.at, Place { line: 2, column: 1 });
        assert_eq!(texts(&config), "");
    }

    #[test]
    fn a_refused_file_counts_for_nothing_and_names_its_scripts() {
        let tree = Tree::new(&[
            ("config", ""),
            ("conf.d/a.conf", "a_OPT=-g\n"),
            ("conf.d/b.conf", "a_OPT=-t\nb_OPT=\"$(touch /x)\"\nc_REQ=a\n"),
        ]);
        let config = tree.read();
        assert_eq!(config.value("a_OPT"), "-g");
        assert_eq!((config.value("b_OPT"), config.value("c_REQ")), ("", ""));
        let said = texts(&config);
        assert!(said.contains("conf.d/b.conf:2:8: a command substitution\n"), "{said}");
        assert!(
            said.contains("b_OPT=\"$(touch /x)\"\n           ^^\n  help: nothing in this file"),
            "{said}"
        );
        let unset = Tree::new(&[("config", "A=1\nB=$A$TYPO$TYPO\nC=${D:-x}${E+y}\n")]).read();
        let said = texts(&unset);
        assert!(said.contains("/config:2:1: `TYPO` is used here and never set"), "{said}");
        assert_eq!(unset.problems.len(), 1, "{said}");
        assert!(["a", "b", "c"].iter().all(|name| config.refused(name).is_some()));
        assert!(!config.unusable);
        assert!(Tree::new(&[("config", "exit 7\n")]).read().unusable);
        assert!(!Tree::new(&[]).read().unusable);
        let global = [("config", ""), ("conf.d/a.conf", "DEFAULT_START=a\na_OPT=$(x)\n")];
        assert!(Tree::new(&global).read().lost().any(|name| name == "DEFAULT_START"));
        let mut config = Config::default();
        config.read_directory("/dev/null");
        assert!(config.opaque() == Some("/dev/null") && texts(&config).contains("cannot be read"));
    }

    #[test]
    fn what_a_refused_file_may_set_is_known_or_it_may_set_anything() {
        for (text, scripts, opaque) in [
            ("a_OPT = x\nb_OPT[0]=-g\n", "a b", false),
            ("touch x\n# c_OPT=\na_OPT=\"$b_OPT ${c_OPT:-x}\"; : ${d_REQ:=a}\n", "a d", false),
            ("if true; then a_REQ=b; fi\n", "a", false),
            ("export a_OPT=`x`\n", "a", false),
            ("touch ./x && rm .x .. /usr/local/read\n", "", false),
            ("[ -r x ] && . x\n", "", true),
            ("source x", "", true),
            ("for s in a b; do eval ${s}_OPT=-g; done", "", true),
            ("export ${s}_OPT=-g", "", true),
            ("printf -v a%s -g _OPT", "", true),
            ("read x_RUNTIME <<< bpf", "x", true),
        ] {
            let config = Tree::new(&[("config", ""), ("conf.d/x.conf", text)]).read();
            let refused = |name: &str| config.refused(name).is_some();
            let found: Vec<&str> =
                ["a", "b", "c", "d", "x"].into_iter().filter(|name| refused(name)).collect();
            assert_eq!((found.join(" ").as_str(), config.opaque().is_some()), (scripts, opaque), "{text}");
        }
        let tree = Tree::new(&[("config", "")]);
        std::os::unix::fs::symlink("/nowhere", tree.0.path().join("conf.d/a.conf")).unwrap();
        std::fs::create_dir(tree.0.path().join("conf.d/b.conf")).unwrap();
        assert!(tree.read().opaque().unwrap().ends_with("conf.d/a.conf"));
    }

    #[test]
    fn a_value_that_doubles_itself_is_refused_and_undone() {
        let text = format!("a_OPT=x\nA=xxxxxxxx\n{}", "A=$A$A\n".repeat(40));
        let tree = Tree::new(&[("config", "A=before"), ("conf.d/a.conf", &text)]);
        let config = tree.read();
        assert!(
            texts(&config).contains("conf.d/a.conf:16:1: the value of `A` is longer"),
            "{}",
            texts(&config)
        );
        assert_eq!((config.value("A"), config.get("a_OPT")), ("before", None));
    }

    #[test]
    fn files_of_others_are_not_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let tree = Tree::new(&[("config", ""), ("conf.d/a.conf", "a_OPT=-g\n")]);
        let file = tree.0.path().join("conf.d/a.conf");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let config = tree.read();
        assert_eq!(config.value("a_OPT"), "");
        assert!(texts(&config).contains("can be written by others (mode 0666)"), "{}", texts(&config));
        assert!(config.opaque().unwrap().ends_with("conf.d/a.conf"));
    }

    #[test]
    fn the_manual_of_2009_had_files_without_a_suffix() {
        let files = [("config", ""), ("conf.d/group1", "s_OPT=-g\n"), ("conf.d/readme", "Please read me\n")];
        let config = Tree::new(&files).read();
        assert_eq!(config.value("s_OPT"), "-g");
        let said = texts(&config);
        assert!(said.contains("group1: is read though its name does not end in .conf"), "{said}");
        assert!(said.contains("readme: is not read"), "{said}");
    }

    #[test]
    fn comments_may_hold_any_bytes_and_values_may_not() {
        let tree = Tree::new(&[("config", "")]);
        let write = |bytes: &[u8]| std::fs::write(tree.0.path().join("conf.d/a.conf"), bytes).unwrap();
        write(b"# f\xfcr\nA=1 # \xe4\xf6\nB=2\n");
        let config = tree.read();
        assert_eq!((texts(&config).as_str(), config.value("B")), ("", "2"));
        for (text, column) in
            [(&b"A=1\nB=x\xff\n"[..], 4), (b"\nB='\xff'", 4), (b"\nB=\"\xff\"", 4), (b"\nB=\\\xff", 3)]
        {
            write(text);
            let said = texts(&tree.read());
            assert!(said.contains(&format!("a.conf:2:{column}: this is not UTF-8")), "{said}");
        }
    }
}

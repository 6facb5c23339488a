//! Compiled scripts, one directory for each kernel: when one is still good, and how a new one takes its place.
//!
//! `NAME.ko` and the two-line `NAME.opts` are where and as they always were. Beside them lies `NAME.key`, which says
//! what the module was made from, for the module with one certain digest. While a module is replaced, the key holds
//! the records of both, so that at every moment, whatever crashes, what is there is the old module with its record
//! or the new one with its own; a single rename decides.

use super::kernel::Kernel;
use super::name;
use super::settings::{Runtime, Settings};
use super::status::replace;
use super::work::make_directory;
use crate::definition::trust;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a compiled script was made from, or is to be made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Digest of the compiled file; empty before there is one.
    pub object: String,
    /// For which kernel.
    pub kernel: Kernel,
    /// By which stap; not known where there is none.
    pub stap: Option<String>,
    /// Digest of the script; not known where there is none.
    pub script: Option<String>,
    /// The options, as one line.
    pub options: String,
}

/// Records of the module that is there, and of the one that is about to take its place.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Key {
    records: Vec<Record>,
}

/// The compiled scripts of one kernel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cache {
    /// Where they are.
    pub directory: PathBuf,
}

impl Cache {
    /// The cache of a kernel.
    pub fn new(settings: &Settings, kernel: &Kernel) -> Self {
        Self { directory: settings.cache_path.join(&kernel.release) }
    }

    /// What keeps the directory, and that of all kernels above it, from being trusted.
    pub fn fault(&self) -> Option<String> {
        self.directory.ancestors().take(2).find_map(trust::check_directory)
    }

    /// The compiled file of a script.
    pub fn object(&self, name: &str, runtime: Runtime) -> PathBuf {
        self.file(name, runtime.ending())
    }

    /// A helper module that very old kernels need.
    pub fn uprobes(&self) -> PathBuf {
        self.directory.join("uprobes/uprobes.ko")
    }

    /// Whether a script needs that helper.
    pub fn wants_uprobes(&self, name: &str) -> bool {
        self.file(name, "uprobes").exists()
    }

    /// All files of a script that are there.
    pub fn files(&self, name: &str) -> Vec<PathBuf> {
        let files = ["ko", "bo", "opts", "uprobes", "key"].map(|ending| self.file(name, ending));
        files.into_iter().filter(|file| file.symlink_metadata().is_ok()).collect()
    }

    /// The names of all scripts that have a compiled file, or just its options; sorted.
    pub fn names(&self, endings: &[&str]) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|file| {
                let (name, ending) = file.rsplit_once('.')?;
                (endings.contains(&ending) && name::fault(name).is_none()).then(|| name.to_owned())
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a compiled script is still good. Errors with why not, in words that follow "its cache is stale:".
    pub fn check(&self, name: &str, runtime: Runtime, source: &Path, wanted: &Record) -> Result<(), String> {
        let object = self.object(name, runtime);
        let bytes = self.read(&object)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let key = self.key(name);
        if let Some(record) = key.records.iter().find(|record| record.object == digest) {
            return compare(record, wanted);
        }
        if !key.records.is_empty() && !newer(&self.file(name, "opts"), &self.file(name, "key")) {
            return Err("it is not the one that was compiled here".to_owned());
        }
        self.check_as_ever(name, &object, source, wanted)
    }

    /// Errors when a compiled file cannot be loaded with good conscience: it is missing, or somebody else may have
    /// written it.
    pub fn read(&self, object: &Path) -> Result<Vec<u8>, String> {
        let meta = fs::metadata(object).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is none".to_owned(),
            _ => error.to_string(),
        })?;
        if let Some(fault) = trust::check("", &meta) {
            return Err(format!("{} {}", object.display(), fault.text));
        }
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        fs::read(object).map_err(|error| error.to_string())
    }

    /// The rule for what others have compiled: the module is not older than the script, and `.opts` has our
    /// `uname -a` and our options.
    fn check_as_ever(&self, name: &str, object: &Path, source: &Path, wanted: &Record) -> Result<(), String> {
        let opts = fs::read_to_string(self.file(name, "opts"));
        let opts = opts.map_err(|_| "nothing says from what it was compiled".to_owned())?;
        let (first, last) = (opts.lines().next(), opts.lines().last());
        if newer(source, object) {
            return Err("the script is newer".to_owned());
        }
        if !first.is_some_and(|line| wanted.kernel.is_of(line)) {
            return Err("it was compiled for another kernel".to_owned());
        }
        if last.map(str::trim_end) != Some(&wanted.options) {
            return Err("other options were used".to_owned());
        }
        Ok(())
    }

    /// Puts a compiled file into its place, with what it was made from.
    pub fn put(&self, name: &str, runtime: Runtime, compiled: &Path, record: &Record) -> io::Result<()> {
        let bytes = fs::read(compiled)?;
        let record = Record { object: blake3::hash(&bytes).to_hex().to_string(), ..record.clone() };
        let object = self.object(name, runtime);
        let staged = stage(&object, &bytes)?;
        // 1. The key knows both, 2. the new one takes the place of the old, 3. the old one is forgotten.
        let mut key = Key { records: vec![record.clone()] };
        if let Ok(old) = fs::read(&object) {
            let digest = blake3::hash(&old).to_hex().to_string();
            key.records.extend(self.key(name).records.into_iter().find(|record| record.object == digest));
        }
        self.put_key(name, &key)?;
        fs::rename(&staged, &object)?;
        let opts = format!("{}\n{}\n", record.kernel.uname_line(), record.options);
        let place = self.file(name, "opts");
        fs::rename(stage(&place, opts.as_bytes())?, place)?;
        self.put_key(name, &Key { records: vec![record] })?;
        File::open(&self.directory)?.sync_all()
    }

    /// Keeps, or forgets, that a script needs the helper module.
    pub fn put_uprobes(&self, name: &str, built: &Path) -> io::Result<()> {
        let mark = self.file(name, "uprobes");
        let Ok(bytes) = fs::read(built) else {
            let _ = fs::remove_file(mark);
            return Ok(());
        };
        let place = self.uprobes();
        make_directory(place.parent().unwrap_or(&self.directory))?;
        let staged = stage(&place, &bytes)?;
        fs::rename(staged, place)?;
        replace(&mark, "")
    }

    fn key(&self, name: &str) -> Key {
        let bytes = fs::read(self.file(name, "key")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn put_key(&self, name: &str, key: &Key) -> io::Result<()> {
        let text = serde_json::to_string_pretty(key)? + "\n";
        let place = self.file(name, "key");
        let staged = stage(&place, text.as_bytes())?;
        fs::rename(staged, place)
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.directory.join(format!("{name}.{ending}"))
    }
}

/// Writes a file beside its place, down to the disk.
fn stage(place: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let file = place.file_name().unwrap_or_default().to_string_lossy();
    let staged = place.with_file_name(format!(".{file}.{}", std::process::id()));
    let _ = fs::remove_file(&staged);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&staged)?;
    open.write_all(bytes).and_then(|()| open.sync_all()).inspect_err(|_| _ = fs::remove_file(&staged))?;
    Ok(staged)
}

/// Whether what was recorded is what is wanted.
fn compare(record: &Record, wanted: &Record) -> Result<(), String> {
    let differ =
        |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
    if let Some(why) = record.kernel.differs(&wanted.kernel) {
        Err(why.to_owned())
    } else if differ(&record.script, &wanted.script) {
        Err("the script has changed".to_owned())
    } else if record.options != wanted.options {
        Err("other options were used".to_owned())
    } else if differ(&record.stap, &wanted.stap) {
        Err("another version of stap compiled it".to_owned())
    } else {
        Ok(())
    }
}

/// Whether one file was changed after another; not when one is not there.
fn newer(one: &Path, other: &Path) -> bool {
    let changed = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    matches!((changed(one), changed(other)), (Some(one), Some(other)) if one > other)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shelf {
        dir: tempfile::TempDir,
        cache: Cache,
    }

    impl Shelf {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache { directory: dir.path().join("6.1") };
            fs::create_dir(&cache.directory).unwrap();
            Self { dir, cache }
        }

        fn put(&self, text: &str, record: &Record) {
            let compiled = self.dir.path().join("compiled");
            fs::write(&compiled, text).unwrap();
            self.cache.put("one", Runtime::Kernel, &compiled, record).unwrap();
        }

        fn check(&self, wanted: &Record) -> Result<(), String> {
            self.cache.check("one", Runtime::Kernel, &self.dir.path().join("one.stp"), wanted)
        }
    }

    fn record(options: &str) -> Record {
        let kernel = Kernel { release: "6.1".to_owned(), version: Some("#1".to_owned()), tree: None };
        let text = |text: &str| Some(text.to_owned());
        Record {
            object: String::new(),
            kernel,
            stap: text("4.8"),
            script: text("s"),
            options: options.to_owned(),
        }
    }

    #[test]
    fn each_part_of_the_key_counts() {
        let shelf = Shelf::new();
        assert_eq!(shelf.check(&record("--")).unwrap_err(), "there is none");
        shelf.put("module", &record("-g --"));
        assert_eq!(shelf.check(&record("-g --")), Ok(()));
        assert!(shelf.check(&record("--")).unwrap_err().contains("options"));
        let change = |change: fn(&mut Record)| {
            let mut wanted = record("-g --");
            change(&mut wanted);
            shelf.check(&wanted)
        };
        assert!(change(|wanted| wanted.script = Some("t".to_owned())).unwrap_err().contains("script"));
        assert!(change(|wanted| wanted.stap = Some("5".to_owned())).unwrap_err().contains("stap"));
        assert!(change(|wanted| wanted.kernel.version = Some("#2".to_owned())).is_err());
        assert_eq!(change(|wanted| wanted.stap = None), Ok(()));
        assert_eq!(change(|wanted| wanted.script = None), Ok(()));
    }

    /// A crash between any two steps leaves the old module valid for the old options, or the new one for the new.
    #[test]
    fn a_crash_leaves_the_old_or_the_new() {
        let shelf = Shelf::new();
        shelf.put("old", &record("old --"));
        let file = |ending: &str| shelf.cache.file("one", ending);
        let old = ["ko", "opts", "key"].map(|ending| fs::read(file(ending)).unwrap());
        shelf.put("new", &record("new --"));
        let new = ["ko", "opts", "key"].map(|ending| fs::read(file(ending)).unwrap());
        let records = |bytes: &[u8]| serde_json::from_slice::<Key>(bytes).unwrap().records;
        let both = Key { records: [records(&new[2]), records(&old[2])].concat() };
        let both = serde_json::to_vec(&both).unwrap();
        for (ko, opts, key, good) in [
            (&old[0], &old[1], &old[2], "old --"),
            (&old[0], &old[1], &both, "old --"),
            (&new[0], &old[1], &both, "new --"),
            (&new[0], &new[1], &both, "new --"),
            (&new[0], &new[1], &new[2], "new --"),
        ] {
            fs::write(file("ko"), ko).unwrap();
            fs::write(file("opts"), opts).unwrap();
            fs::write(file("key"), key).unwrap();
            assert_eq!(shelf.check(&record(good)), Ok(()), "{good}");
            let other = if good == "old --" { "new --" } else { "old --" };
            assert!(shelf.check(&record(other)).is_err());
        }
        // Half a module is none.
        fs::write(file("ko"), "ne").unwrap();
        assert!(shelf.check(&record("new --")).unwrap_err().contains("not the one"));
    }

    #[test]
    fn what_the_old_script_compiled_is_still_read() {
        let shelf = Shelf::new();
        let running = nix::sys::utsname::uname().unwrap();
        let mut wanted = record("-g --");
        wanted.kernel.release = running.release().to_str().unwrap().to_owned();
        wanted.kernel.version = Some(running.version().to_str().unwrap().to_owned());
        fs::write(shelf.cache.file("one", "ko"), "module").unwrap();
        assert!(shelf.check(&wanted).unwrap_err().contains("nothing says"));
        let opts = |uname: &str, options: &str| {
            fs::write(shelf.cache.file("one", "opts"), format!("{uname}\n{options}\n")).unwrap();
            shelf.check(&wanted)
        };
        let line = wanted.kernel.uname_line();
        assert_eq!(opts(&line, "-g --"), Ok(()));
        assert!(opts(&line, "--").unwrap_err().contains("options"));
        assert!(opts("Linux h 2.6.18 #1 x86_64 GNU/Linux", "-g --").unwrap_err().contains("kernel"));
        assert_eq!(opts(&line, "-g --"), Ok(()));
        fs::write(shelf.dir.path().join("one.stp"), "younger").unwrap();
        let file = File::options().write(true).open(shelf.dir.path().join("one.stp")).unwrap();
        file.set_modified(fs::metadata(shelf.cache.file("one", "ko")).unwrap().modified().unwrap()).unwrap();
        assert_eq!(shelf.check(&wanted), Ok(()), "equal times are not newer");
    }

    #[test]
    fn modules_of_others_are_not_loaded() {
        use std::os::unix::fs::PermissionsExt as _;
        let shelf = Shelf::new();
        shelf.put("module", &record("--"));
        let file = shelf.cache.file("one", "ko");
        fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(shelf.check(&record("--")).unwrap_err().contains("can be written by others"));
    }
}

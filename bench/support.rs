//! What the benches share: trees of scripts, clocks, tables.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Once through, to see that it works.
    Short,
    /// Enough rounds for medians that mean something.
    Full,
}

impl Effort {
    /// A number of rounds.
    pub(crate) fn rounds(self, full: usize) -> usize {
        if self == Effort::Full { full } else { 1 }
    }
}

/// The program under test.
pub(crate) const SERELRC: &str = env!("CARGO_BIN_EXE_serelrc");

/// A root with scripts in layers, each of which needs some of the layer before.
pub(crate) struct Tree {
    pub(crate) dir: TempDir,
}

impl Tree {
    /// `count` scripts in `layers`, each with `needs` needs; `body` is what each runs.
    pub(crate) fn new(count: usize, layers: usize, needs: usize, body: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let init_d = dir.path().join("etc/init.d");
        fs::create_dir_all(&init_d).expect("a directory");
        let wide = count / layers;
        for n in 0..count {
            let layer = n / wide;
            // Spread over the layer before, the same in every run.
            let before = (0..if layer == 0 { 0 } else { needs.min(wide) })
                .map(|k| format!(" s{:04}", (layer - 1) * wide + (n * 7 + k * (wide / needs).max(1)) % wide));
            let needs: String = before.collect();
            let path = init_d.join(format!("s{n:04}"));
            let text = format!(
                "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: s{n:04}\n# Required-Start:{needs}\n\
                 # Required-Stop:{needs}\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n\
                 # Short-Description: one of many\n### END INIT INFO\n{body}\n"
            );
            fs::write(&path, text).expect("a script");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        Self { dir }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// serelrc on this tree.
    pub(crate) fn serelrc(&self, words: &[&str]) -> Command {
        let mut command = Command::new(SERELRC);
        command.arg("--root").arg(self.root()).args(words);
        quiet(&mut command);
        command
    }

    /// Takes all that was remembered away.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_dir_all(self.root().join("etc/serel"));
    }

    /// The same plan for the floor: its file.
    pub(crate) fn floor_plan(&self) -> PathBuf {
        let mut command = self.serelrc(&["plan", "2", "--json"]);
        let output = command.stdout(Stdio::piped()).output().expect("serelrc plan runs");
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a plan");
        let jobs = plan["jobs"].as_array().expect("jobs");
        let place = |name: &serde_json::Value| jobs.iter().position(|job| job["name"] == *name);
        let mut text = String::new();
        for job in jobs {
            let path = self.root().join(job["path"].as_str().expect("a path").trim_start_matches('/'));
            let before = job["predecessors"].as_array().expect("predecessors");
            let _ = write!(text, "{} {}", path.display(), before.len());
            for name in before {
                let _ = write!(text, " {}", place(name).expect("a predecessor is a job"));
            }
            text.push('\n');
        }
        let file = self.root().join("floor.plan");
        fs::write(&file, text).expect("the floor's plan");
        file
    }
}

/// Nothing in, nothing out.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Wall time of a whole process, in milliseconds. It must succeed.
pub(crate) fn time(command: &mut Command) -> f64 {
    time_to(command, 0)
}

/// Wall time of a whole process that must end with this status, in milliseconds.
pub(crate) fn time_to(command: &mut Command, code: i32) -> f64 {
    let began = Instant::now();
    let status = command.status().expect("the program runs");
    let took = began.elapsed();
    assert_eq!(status.code(), Some(code), "{command:?}: {status}");
    took.as_secs_f64() * 1000.0
}

/// A floor, made from C so that nothing of ours is in it. It lives as long as its directory.
pub(crate) fn compiled(name: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let program = dir.path().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("bench/{name}.c"));
    let status = Command::new("cc").arg("-O2").arg(source).arg("-o").arg(&program).status();
    assert!(status.expect("cc is there").success(), "{name}.c compiles");
    (dir, program)
}

/// Times of one thing over many rounds.
#[derive(Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn add(&mut self, time: f64) {
        let place = self.0.partition_point(|known| *known < time);
        self.0.insert(place, time);
    }

    /// The time that this share of all, in hundredths, does not exceed.
    pub(crate) fn at(&self, share: usize) -> f64 {
        self.0[(self.0.len() - 1) * share / 100]
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(50)
    }
}

/// Prints a table row for each: median, the middle half, and the ratio of the median to that of the first.
pub(crate) fn table(rows: &[(&str, &Times)]) {
    println!("| | median | middle half | ratio |\n|---|---:|---:|---:|");
    let floor = rows[0].1.median();
    for (name, times) in rows {
        println!(
            "| {name} | {:.2} ms | {:.2} to {:.2} | {:.2} |",
            times.median(),
            times.at(25),
            times.at(75),
            times.median() / floor
        );
    }
}

/// The machine in one line.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |m| m.1);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{model}, {processors} processors, Linux {}, load before the run {}",
        kernel.trim(),
        load.split(' ').next().unwrap_or("?")
    )
}

//! What the real compiler says is what the operator reads.

use crate::cases::Case;
use crate::program::finish;
use crate::service::{COMPILE_LIMIT, PROGRAM};
use crate::tools::{Skip, Tools, build_dir, share_stap_dir, site};
use std::fs;
use std::process::Command;

/// The tests.
pub(crate) const CASES: &[Case] =
    &[("compiling::the_line_that_says_why_is_the_one_of_the_compiler", reasons)];

/// Scripts that stap refuses in each of its passes, and of each the reason.
const BROKEN: [(&str, &str, &str); 3] = [
    ("parse", "probe begin { x = }\n", "parse error: expected literal string or number"),
    ("semantic", "probe nowhere.at_all { exit() }\n", "semantic error: while resolving probe point"),
    ("kbuild", "%{\nint serel_broken = ;\n%}\nprobe begin { exit() }\n", "error: expected expression before"),
];

fn reasons() -> Result<(), Skip> {
    let tools = Tools::ready()?;
    let dir = build_dir().join("compiling");
    let config = site(&dir, "PASSALL=no\n");
    let options: Vec<String> = tools.options().iter().map(|word| format!("'{word}'")).collect();
    let mut parameters = format!("common=\"{}\"\n", options.join(" "));
    let good = ("good", "probe begin { exit() }\n", "");
    for (name, script, _) in BROKEN.into_iter().chain([good]) {
        fs::write(dir.join(format!("script.d/{name}.stp")), script).expect("our own directory");
        parameters += &format!("{name}_OPT=\"$common\"\n");
    }
    fs::write(dir.join("conf.d/all.conf"), parameters).expect("our own directory");
    share_stap_dir(&dir.join("cache"), tools);
    let compile = |release: &str, names: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["compile", "-y", "-r", release, "-c"]).arg(&config).args(names);
        finish(&mut command, COMPILE_LIMIT)
    };

    let done = compile(&tools.release, &[]);
    for (name, _, reason) in BROKEN {
        let mut lines = done.stdout.lines();
        let line = lines.find(|line| line.starts_with(&format!(" Compiling {name} ... error: ")));
        assert!(line.is_some_and(|line| line.contains(reason)), "{reason}\n{done}");
        assert!(!dir.join(format!("cache/{}/{name}.ko", tools.release)).exists());
    }
    assert!(done.stdout.contains(" Compiling good ... done\n"), "{done}");
    assert!(dir.join(format!("cache/{}/good.ko", tools.release)).exists());
    let log = fs::read_to_string(dir.join("log")).expect("a log");
    for said in ["Pass 1: parse failed.", "Pass 2: analysis failed.", "Pass 4: compilation failed."] {
        assert!(log.contains(said), "{said}\n{log}");
    }
    // A kernel that is not here.
    let done = compile("9.9.9-none", &["good"]);
    assert!(
        done.stdout.contains(" Compiling good ... error: ") && done.stdout.contains("9.9.9-none"),
        "{done}"
    );
    assert_eq!(
        fs::read_dir(dir.join("tmp")).expect("our own directory").count(),
        0,
        "nothing is left behind"
    );
    Ok(())
}

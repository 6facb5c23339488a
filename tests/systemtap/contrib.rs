//! What is installed beside the program: the init script, the example, the completion.

use super::tree;
use crate::support::program::{LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use crate::support::tap::Tap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn contrib(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file)
}

#[test]
fn the_init_script_has_a_valid_header_and_starts_before_all_others() {
    let sandbox = Sandbox::new();
    let text = fs::read_to_string(contrib("init.d/systemtap")).unwrap();
    sandbox.write("etc/init.d/systemtap", &text, 0o755);
    sandbox.write("etc/insserv.conf", "$local_fs mounts\n", 0o644);
    sandbox.add(&Script::new("mounts").says("Default-Start", "S"));
    sandbox.add(&Script::new("acpid"));
    sandbox.add(&Script::new("zebra").says("Required-Start", "$local_fs acpid"));
    let verified = sandbox.serelrc(&["verify"]).expect_code(0);
    assert!(!verified.stderr.contains("systemtap"), "{verified}");
    let edges = sandbox.serelrc(&["graph", "2", "--json"]).expect_code(0).json();
    let edge = |edge: &serde_json::Value| (edge["before"].clone(), edge["after"].clone());
    let edges: Vec<_> = edges["edges"].as_array().unwrap().iter().map(edge).collect();
    for other in ["acpid", "zebra"] {
        assert!(edges.contains(&("systemtap".into(), other.into())), "{other}: {edges:?}");
    }
}

#[test]
fn the_init_script_hands_on_what_it_is_called_with() {
    let tap = tree(&[("one", "")]);
    let program = env!("CARGO_BIN_EXE_systemtap-service");
    let text = fs::read_to_string(contrib("init.d/systemtap")).unwrap();
    let config = tap.at("config").display().to_string();
    let text = text
        .replace("/usr/sbin/systemtap-service \"$@\"", &format!("{program} \"$1\" -c {config}"))
        .replace("/usr/sbin/systemtap-service", program);
    tap.sandbox.write("init", &text, 0o755);
    let init = |word: &str| finish(Command::new(tap.at("init")).arg(word), LIMIT);
    assert_eq!(init("status").expect_code(3).stdout, "one is stopped\n");
    init("start").expect_code(0);
    init("status").expect_code(0);
    init("stop").expect_code(0);
    init("nothing").expect_code(3);
    // The defaults hold where there is no configuration.
    std::fs::remove_file(tap.at("config")).unwrap();
    assert!(init("status").stderr.contains("there is no such file: the defaults hold"));
}

#[test]
fn the_example_is_a_valid_configuration() {
    let tap = Tap::new();
    let example = contrib("systemtap").display().to_string();
    tap.config(&format!(
        "SCRIPT_PATH={example}/script.d CONFIG_PATH={example}/conf.d\n{}",
        fs::read_to_string(contrib("systemtap/config")).unwrap()
    ));
    let done = tap.run(&["status"]).expect_code(3);
    assert_eq!(
        (done.stdout.as_str(), done.stderr.as_str()),
        ("execs is stopped\nslow is stopped\n  requires: execs\n", "")
    );
    tap.run(&["start"]).expect_code(0);
    let call = tap.calls().into_iter().find(|call| call.starts_with("staprun -o")).unwrap();
    assert!(call.starts_with("staprun -o /var/log/systemtap.d/execs -S 16,4 -D "), "{call}");
    tap.run(&["stop"]).expect_code(0);
}

#[test]
fn completion_knows_commands_and_the_names_of_scripts() {
    let tap = tree(&[("one", ""), ("only", ""), ("two", "one")]);
    let program = Path::new(env!("CARGO_BIN_EXE_systemtap-service"));
    let complete = |words: &str| {
        let script = format!(
            "PATH={}:$PATH; . {}; COMP_WORDS=(systemtap-service {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _systemtap_service; echo \"${{COMPREPLY[*]}}\"",
            program.parent().unwrap().display(),
            contrib("completions/systemtap-service.bash").display()
        );
        finish(Command::new("bash").arg("-c").arg(script), LIMIT).expect_code(0).stdout.trim().to_owned()
    };
    let config = tap.at("config").display().to_string();
    assert_eq!(complete("st"), "start stop status");
    assert_eq!(complete("con"), "condrestart");
    assert_eq!(complete(&format!("start -c {config} on")), "one only");
    assert_eq!(complete(&format!("start -c {config} one t")), "two");
    assert_eq!(complete("start --j"), "--json");
}

#[test]
fn the_manuals_know_every_parameter_command_and_option() {
    let manual = |page: &str| fs::read_to_string(contrib(page)).unwrap().replace("\\-", "-");
    let parameters = manual("man/systemtap.conf.5");
    let others = ["BUILD_PATH", "STAP", "STAPRUN", "STAPBPF", "STAPIO", "_OPT", "_REQ", "_RUNTIME"];
    for name in serel::systemtap::settings::presets().map(|(name, _)| name).chain(others) {
        assert!(parameters.split([' ', '"', '\n']).any(|word| word == name), "{name}");
    }
    let service = manual("man/systemtap-service.8");
    let help = finish(Command::new(env!("CARGO_BIN_EXE_systemtap-service")).arg("--help"), LIMIT).stdout;
    let completion = fs::read_to_string(contrib("completions/systemtap-service.bash")).unwrap();
    for word in [
        "start",
        "stop",
        "restart",
        "reload",
        "force-reload",
        "condrestart",
        "try-restart",
        "status",
        "compile",
        "cleanup",
        "onboot",
        "-c",
        "-r",
        "-R",
        "-y",
        "-o",
        "-b",
        "--no-wait",
        "--json",
        "--tree",
    ] {
        for text in [&service, &help, &completion] {
            assert!(
                text.split([' ', '"', '\n', ',', ':', '|']).any(|known| known == word),
                "{word} in {text}"
            );
        }
    }
}

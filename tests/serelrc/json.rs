//! What programs read: each document has exactly the fields of the contract.

use super::{needer, tree};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use serde_json::Value;

#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn sample() -> Sandbox {
    tree(&[
        Script::new("a"),
        needer("b", "a"),
        needer("lost", "nobody"),
        Script::new("w").says("Should-Start", "b"),
    ])
}

#[test]
fn graph() {
    let run = sample().serelrc(&["graph", "2", "--json"]).expect_code(0);
    let document = run.json();
    assert_eq!(keys(&document), ["edges", "problems", "services"]);
    assert_eq!(keys(&document["services"][0]), ["levels", "name", "path", "provides"]);
    assert_eq!(keys(&document["edges"][0]), ["after", "before", "file", "kind", "line"]);
    assert_eq!(
        keys(&document["problems"][0]),
        ["column", "file", "help", "kind", "line", "services", "severity", "text"]
    );
    assert_eq!(document["problems"][0]["kind"], "missing");
    assert_eq!(
        document["edges"][0],
        serde_json::json!({"before": "a", "after": "b", "kind": "need", "file": "/etc/init.d/b", "line": 4})
    );
    assert!(run.stderr.is_empty(), "{run}");
}

#[test]
fn plan() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    let document = sandbox.serelrc(&["plan", "2", "--json"]).expect_code(0).json();
    assert_eq!(keys(&document), ["cached", "critical_path", "jobs", "parallel", "predicted_ms", "why"]);
    assert_eq!(keys(&document["jobs"][0]), ["cost_ms", "name", "path", "predecessors"]);
    assert_eq!(document["critical_path"], serde_json::json!(["a", "b"]));
    assert!(document["predicted_ms"].as_f64().unwrap() > 0.0 && document["cached"] == true, "{document:#}");
}

#[test]
fn verify_good_and_bad() {
    let document = sample().serelrc(&["verify", "2", "--json"]).expect_code(6).json();
    assert_eq!(keys(&document), ["problems", "valid"]);
    assert_eq!(document["valid"], false);
    let run = tree(&[Script::new("a")]).serelrc(&["verify", "2", "--json"]).expect_code(0);
    assert_eq!(run.json(), serde_json::json!({"valid": true, "problems": []}));
    let plain = tree(&[Script::new("a")]).serelrc(&["verify", "2"]).expect_code(0);
    assert_eq!(plain.stdout, "success\n");
}

#[test]
fn start_keeps_the_console_out_of_the_document() {
    let sandbox = tree(&[Script::new("a").then("echo words"), Script::new("b").then("exit 2")]);
    let run = sandbox.serelrc(&["start", "2", "--json"]).expect_code(1);
    let document = run.json();
    assert_eq!(
        keys(&document),
        [
            "critical_path",
            "critical_path_ms",
            "interrupted",
            "job_ms",
            "jobs",
            "plan",
            "speed_up",
            "unit",
            "wall_ms",
            "widest"
        ]
    );
    assert_eq!(
        keys(&document["jobs"][0]),
        [
            "available_ms",
            "cause",
            "end_ms",
            "max_rss_kib",
            "name",
            "outcome",
            "ready_ms",
            "reason",
            "signal",
            "start_ms",
            "status",
            "system_ms",
            "user_ms"
        ]
    );
    assert!(run.stderr.contains("  a: words") && run.stderr.contains(" FAILED b"), "{run}");
}

#[test]
fn explain() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.serelrc(&["plan", "2"]).expect_code(0);
    sandbox.add(&Script::new("a").then("true"));
    let document = sandbox.serelrc(&["--json", "explain", "2"]).expect_code(0).json();
    assert_eq!(keys(&document), ["cached", "why"]);
    assert_eq!(document["why"], "/etc/init.d/a changed");
}

//! Logging of a whole program: one logger for its life, lines as `program: level: text`.

use serel::log::{Settings, Target, init, level};

#[test]
fn logging_begins_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let settings = Settings { level: level(1), target: Target::parse(&path, false).unwrap() };
    init(&settings, "serelrc").unwrap();
    log::warn!("the clock is wrong");
    log::info!("nobody asked");
    assert!(init(&settings, "serelrc").is_err());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.ends_with("] serelrc: warning: the clock is wrong\n"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

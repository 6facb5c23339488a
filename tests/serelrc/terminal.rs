//! serelrc on a real terminal: the live display, and interactive scripts that have it to themselves.

use super::{needer, ran, shell, tree};
use crate::support::program::LIMIT;
use crate::support::sandbox::Sandbox;
use crate::support::screen::Screen;
use crate::support::script::Script;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// What became of a run on a terminal.
#[derive(Debug)]
struct Seen {
    code: i32,
    /// All bytes that went to the terminal, with what it echoed.
    text: String,
}

impl Seen {
    /// What stands on the screen at the end, with what has scrolled away.
    fn screen(&self) -> Vec<String> {
        let mut screen = Screen::new(24, 80);
        screen.feed(self.text.as_bytes());
        screen.all()
    }

    #[track_caller]
    fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.screen().join("\n"));
        self
    }
}

/// Runs a shell text in a session of its own with a terminal as its three channels; `rc ...` in it is serelrc on the
/// tree. Each answer is typed when its prompt has appeared.
#[track_caller]
fn on_terminal(sandbox: &Sandbox, text: &str, answers: &[(&str, &str)]) -> Seen {
    let (master, mut child) = spawn(sandbox, text);
    let answers: Vec<(String, String)> =
        answers.iter().map(|(prompt, typed)| ((*prompt).to_owned(), (*typed).to_owned())).collect();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(converse(master, &answers)));
    let said = receiver.recv_timeout(LIMIT);
    if said.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().unwrap();
    Seen {
        code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        text: said.expect("the program ends in time"),
    }
}

/// Starts a shell text in a session of its own with a new terminal.
fn spawn(sandbox: &Sandbox, text: &str) -> (File, Child) {
    let (master, slave) = terminal();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&master, size).unwrap();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "sh", "-c"]).arg(format!("rc() {{ \"$SERELRC\" --root . \"$@\"; }}; {text}"));
    command.env("SERELRC", env!("CARGO_BIN_EXE_serelrc")).env("TERM", "xterm").env_remove("NO_COLOR");
    command.current_dir(sandbox.path());
    let channel = || Stdio::from(slave.try_clone().unwrap());
    command.stdin(channel()).stdout(channel()).stderr(channel());
    let child = command.spawn().expect("util-linux is there");
    (master, child)
}

/// Both ends of a new terminal, neither of them inherited by the programs of other tests.
fn terminal() -> (File, File) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(ptsname_r(&master).unwrap());
    (File::from(OwnedFd::from(master)), slave.unwrap())
}

/// Reads until the terminal has no user any more, and types each answer after its prompt.
fn converse(mut master: File, answers: &[(String, String)]) -> String {
    let mut answers = answers.iter().peekable();
    let (mut bytes, mut from) = (Vec::new(), 0);
    let mut more = [0; 4096];
    // The end of a pseudo terminal is EIO.
    while let Ok(count @ 1..) = master.read(&mut more) {
        bytes.extend_from_slice(&more[..count]);
        while let Some((prompt, typed)) = answers.peek()
            && let Some(place) = String::from_utf8_lossy(&bytes[from..]).find(prompt.as_str())
        {
            from += place + prompt.len();
            master.write_all(typed.as_bytes()).unwrap();
            answers.next();
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn asking(name: &str, body: &str) -> Script {
    Script::new(name).says("X-Interactive", "true").then("cd \"${0%/etc/*}\"").then(body)
}

/// The body of a script that says when it has the terminal: who has read from it has.
fn question(body: &str) -> String {
    format!("echo ready?; read go; echo asked; {body}")
}

#[test]
fn an_interactive_script_has_the_terminal_alone() {
    let sandbox = tree(&[
        Script::new("early").then("echo early words"),
        asking("asks", "echo 'the question?'; read answer; echo \"$answer\" > answer; test -t 0 && test -t 1 && test -t 2")
            .says("Required-Start", "early"),
        needer("late", "asks"),
        Script::new("beside"),
    ]);
    let seen = on_terminal(&sandbox, "rc start 2", &[("the question?", "blue\n")]).expect_code(0);
    assert_eq!(sandbox.read("answer"), "blue\n");
    assert_eq!(ran(&sandbox)[2..], ["asks", "late"]);
    let screen = seen.screen();
    let place = |words: &str| {
        screen.iter().position(|row| row.starts_with(words)).unwrap_or_else(|| panic!("{words}: {screen:#?}"))
    };
    assert!(place("  early: early words") < place("the question?"));
    assert_eq!(screen[place("the question?") + 1], "blue");
    assert!(place("the question?") < place(" OK     asks") && place(" OK     asks") < place(" OK     late"));
}

#[test]
fn two_that_ask_have_it_one_after_the_other() {
    let ask = |name: &str| asking(name, &format!("echo {name}?; read answer; echo $answer >> answers"));
    let sandbox = tree(&[ask("one"), ask("two")]);
    on_terminal(&sandbox, "rc start 2", &[("one?", "1\n"), ("two?", "2\n")]).expect_code(0);
    assert_eq!(sandbox.read("answers"), "1\n2\n");
}

#[test]
fn one_that_asks_may_need_another_one_that_asks() {
    let sandbox = tree(&[
        asking("a", "serelc --need b || exit 9; echo a?; read answer; echo $answer >> answers"),
        asking("b", "echo b?; read answer; echo $answer >> answers; serelc --need c"),
        Script::new("c"),
    ]);
    let text = "PATH=\"${SERELRC%/*}:$PATH\" rc start 2";
    on_terminal(&sandbox, text, &[("b?", "1\n"), ("a?", "2\n")]).expect_code(0);
    assert_eq!(sandbox.read("answers"), "1\n2\n");
}

/// The foreground of the terminal was that script's, and nobody of the killed run was left to take it back.
#[test]
fn a_question_after_a_run_that_was_killed_at_one_can_be_answered() {
    let body = "[ -e killed ] || { : > killed; kill -9 $PPID; exit; }; echo again?; read answer; echo $answer > answer";
    let sandbox = tree(&[asking("asks", body)]);
    let text = "ln -s \"$SERELRC\" startpar; eval \"$(./startpar -e \"$PWD/etc\" -M start -P N -R 2)\"; \
                test -z \"$failed_service\"";
    on_terminal(&sandbox, text, &[("again?", "yes\n")]).expect_code(0);
    assert_eq!(sandbox.read("answer"), "yes\n");
}

#[test]
fn the_region_of_running_scripts_is_gone_at_the_end() {
    let sandbox =
        tree(&[Script::new("a").then("sleep 0.5"), Script::new("b").then("echo words of b; exit 1")]);
    let seen = on_terminal(&sandbox, "rc start 2", &[]).expect_code(1);
    assert!(seen.text.contains("1/2 done"), "{:?}", seen.text);
    let screen = seen.screen();
    assert!(screen[0].starts_with(" FAILED b") && screen[1] == "  b: words of b", "{screen:#?}");
    assert!(!screen.iter().any(|row| row.contains("1/2 done")), "{screen:#?}");
}

#[test]
fn off_a_terminal_there_is_one_plain_line_for_each() {
    let sandbox = tree(&[Script::new("a"), Script::new("b").then("exit 1")]);
    let run = shell(&sandbox, "TERM=xterm rc start 2").expect_code(1);
    let lines: Vec<&str> =
        run.stdout.lines().filter(|line| line.starts_with(" OK") || line.starts_with(" FAILED")).collect();
    assert_eq!(lines.len(), 3, "one each, and the failure again in the summary: {run}");
    assert!(!run.stdout.contains('\x1b') && !run.stdout.contains('\r'), "{run}");
    let run = shell(&sandbox, "rc start 2 --color always").expect_code(1);
    assert!(run.stdout.contains("\x1b["), "{run}");
}

#[test]
fn a_terminal_without_a_cursor_gets_plain_lines() {
    let sandbox = tree(&[Script::new("a")]);
    let seen = on_terminal(&sandbox, "TERM=dumb rc start 2", &[]).expect_code(0);
    assert!(!seen.text.contains('\x1b'), "{:?}", seen.text);
}

#[test]
fn a_terminal_that_does_not_know_its_size_gets_plain_lines() {
    // A serial line at boot.
    let sandbox = tree(&[Script::new("a")]);
    let seen = on_terminal(&sandbox, "stty rows 0 cols 0; rc start 2", &[]).expect_code(0);
    assert!(!seen.text.contains("1/1 done") && !seen.text.contains("\x1b[J"), "{:?}", seen.text);
    assert!(seen.text.contains("OK    \x1b[0m a"), "{:?}", seen.text);
    let seen = on_terminal(&sandbox, "stty rows 5 cols 70; rc start 2", &[]).expect_code(0);
    assert!(seen.text.contains("\x1b[J"), "{:?}", seen.text);
}

#[test]
fn control_c_ends_the_run_and_reaches_the_scripts_through_us_only() {
    let body = "trap 'echo INT >> \"${0%/etc/*}/signals\"; exit 1' INT; echo > \"${0%/etc/*}/up\"; while :; do :; done";
    let sandbox = tree(&[Script::new("a").then(body), needer("b", "a")]);
    let text = "mkfifo up; (read x < up; echo ready) & rc start 2";
    let seen = on_terminal(&sandbox, text, &[("ready", "\x03")]).expect_code(130);
    assert_eq!(sandbox.read("signals"), "INT\n");
    assert!(seen.text.contains("interrupted by SIGINT"), "{:?}", seen.text);
    assert_eq!(ran(&sandbox), ["a"]);
}

#[test]
fn control_c_at_a_question_ends_the_one_that_asks() {
    let sandbox =
        tree(&[asking("asks", &question("read answer")), Script::new("other"), needer("needs", "asks")]);
    let seen = on_terminal(&sandbox, "rc start 2", &[("ready?", "\n"), ("asked", "\x03")]).expect_code(1);
    assert!(
        seen.text.contains("killed by SIGINT") || seen.text.contains("exit status 130"),
        "{:?}",
        seen.text
    );
    assert_eq!(ran(&sandbox), ["other", "asks"]);
}

#[test]
fn control_z_at_a_question_does_not_stop_the_boot() {
    let sandbox = tree(&[asking("asks", &question("read answer; echo \"got $answer\""))]);
    let answers = [("ready?", "\n"), ("asked", "\x1a"), ("^Z", "yes\n")];
    let seen = on_terminal(&sandbox, "rc start 2", &answers).expect_code(0);
    assert!(seen.text.contains("got yes"), "{:?}", seen.text);
}

#[test]
fn a_script_that_is_killed_leaves_no_terminal_without_echo() {
    let sandbox = tree(&[asking("asks", "stty -echo -icanon; kill -KILL $$")]);
    let seen = on_terminal(&sandbox, "rc start 2; stty -a", &[]).expect_code(0);
    assert!(seen.text.contains(" echo ") && seen.text.contains(" icanon "), "{:?}", seen.text);
}

#[test]
fn what_a_script_sets_on_the_terminal_stays_when_it_went_well() {
    let sandbox = tree(&[asking("sets", "stty -echo")]);
    let seen = on_terminal(&sandbox, "rc start 2; stty -a", &[]).expect_code(0);
    assert!(seen.text.contains(" -echo "), "{:?}", seen.text);
}

#[test]
fn a_terminal_that_hangs_up_does_not_end_the_run() {
    let sandbox = tree(&[
        Script::new("a").then("cd \"${0%/etc/*}\"; echo > up; read x < go; echo words; exit 1"),
        Script::new("asks")
            .says("X-Interactive", "true")
            .says("Required-Start", "")
            .says("Should-Start", "a"),
        Script::new("b").says("Should-Start", "asks"),
    ]);
    nix::unistd::mkfifo(&sandbox.at("up"), Mode::S_IRWXU).unwrap();
    nix::unistd::mkfifo(&sandbox.at("go"), Mode::S_IRWXU).unwrap();
    let (master, mut child) = spawn(&sandbox, "exec \"$SERELRC\" --root . start 2");
    // Returns when the script has opened it.
    std::fs::read(sandbox.at("up")).unwrap();
    drop(master);
    std::fs::write(sandbox.at("go"), "go\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(ran(&sandbox), ["a", "asks", "b"]);
}

//! What scripts write: whole blocks, harmless bytes, floods, and daemons that keep the pipe.

use super::{ran, shell, tree};
use crate::support::script::Script;

#[test]
fn output_of_parallel_scripts_is_never_mixed() {
    let say = |name: &str| {
        Script::new(name)
            .then(&format!("i=0; while [ $i -lt 300 ]; do echo \"{name} says $i\"; i=$((i+1)); done"))
    };
    let names = ["a", "b", "c", "d", "e", "f"];
    let sandbox = tree(&names.map(say));
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    let lines: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(lines.len(), 1800);
    for block in lines.chunks(300) {
        let name = block[0].trim_start().split(':').next().unwrap();
        for (number, line) in block.iter().enumerate() {
            assert_eq!(*line, format!("  {name}: {name} says {number}"));
        }
    }
}

#[test]
fn an_unfinished_line_an_empty_one_and_both_channels() {
    let body = "echo out; echo err >&2; echo; printf unfinished";
    let sandbox = tree(&[Script::new("a").then(body), Script::new("silent")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(run.stdout.contains("  a: out\n  a: err\n  a: \n  a: unfinished\n"), "{run}");
    assert!(!run.stdout.contains("silent:"), "{run}");
    assert!(run.stderr.is_empty(), "{run}");
}

#[test]
fn terminal_sequences_and_bytes_that_are_no_text_are_shown_harmless() {
    let body = r"printf '\033[2J\033]0;title\007wiped\n'; printf 'bad \377\376 end\n'; printf 'nul\000nul\n'; printf 'cr\rover\n'";
    let sandbox = tree(&[Script::new("a").then(body)]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    let raw = run.stdout.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(raw, None, "{run:?}");
    assert!(
        run.stdout.contains("wiped") && run.stdout.contains("bad ") && run.stdout.contains(" end"),
        "{run}"
    );
}

#[test]
fn a_flood_holds_nobody_and_its_end_is_shown() {
    let flood = Script::new("flood").then("yes flooding | head -c 9000000; echo the end");
    let sandbox = tree(&[flood, Script::new("quiet").then("echo here")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    for words in ["  flood: the end\n", "  quiet: here\n", "earlier lines"] {
        assert!(run.stdout.contains(words), "no {words:?} in {} bytes", run.stdout.len());
    }
    assert!(run.stdout.len() < 2_000_000, "{} bytes", run.stdout.len());
}

#[test]
fn a_line_of_ten_megabytes() {
    let sandbox =
        tree(&[Script::new("long").then("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(run.stdout.contains("  long: after\n"), "{} bytes", run.stdout.len());
}

#[test]
fn quiet_leaves_out_the_words_of_those_that_went_well() {
    let sandbox = tree(&[
        Script::new("good").then("echo all is well"),
        Script::new("bad").then("echo no such disk; exit 1"),
    ]);
    for quiet in ["-q", "--quiet"] {
        let run = sandbox.serelrc(&["start", "2", quiet]).expect_code(1);
        assert!(!run.stdout.contains("all is well") && run.stdout.contains("  bad: no such disk"), "{run}");
        assert!(run.stdout.contains(" OK     good"), "{run}");
    }
}

/// A daemon that keeps its script's output, waits until it is told to, writes there, and says how that went.
const DAEMON: &str = "cd \"${0%/etc/*}\"
(trap 'echo SIGPIPE > fate' PIPE; read go < gate; echo late words; echo $? > written) &
echo started";

#[test]
fn a_daemon_with_the_scripts_output_holds_nobody_and_may_write_later() {
    let sandbox = tree(&[Script::new("leaves").then(DAEMON), super::needer("next", "leaves")]);
    // The run is over before the daemon is told to write; that it wrote is known from the file that it makes.
    let text = "mkfifo gate written; rc start 2 > out; code=$?; echo go > gate; read wrote < written; \
                echo $code $wrote; cat fate 2>/dev/null; cat out";
    let run = shell(&sandbox, text).expect_code(0);
    assert!(run.stdout.starts_with("0 0\n OK"), "{run}");
    assert!(run.stdout.contains("  leaves: started\n") && !run.stdout.contains("late"), "{run}");
    assert_eq!(ran(&sandbox), ["leaves", "next"]);
}

#[test]
fn late_words_of_a_daemon_are_shown_while_the_run_lasts() {
    let daemon = "cd \"${0%/etc/*}\"\n(echo late words; echo > gate) &\n";
    // The daemon may be faster than its script's end; either way its words must come before those of the next.
    let sandbox = tree(&[
        Script::new("leaves").then(daemon),
        Script::new("next").then("cd \"${0%/etc/*}\"; read x < gate"),
    ]);
    let run = shell(&sandbox, "mkfifo gate; rc start 2").expect_code(0);
    assert!(run.stdout.contains("late words"), "{run}");
}

#[test]
fn nothing_of_serelrc_is_left_when_nobody_holds_a_pipe() {
    let sandbox = tree(&[Script::new("a").then("echo words")]);
    // What stays behind would keep the write end of this pipe open, and the read would not end.
    shell(&sandbox, "rc start 2 | cat > out; grep -q words out").expect_code(0);
}

#[test]
fn a_daemon_does_not_keep_the_output_of_serelrc_itself() {
    let stays = "cd \"${0%/etc/*}\"\n(echo $$ > pid; read x < gate) &\necho started";
    let sandbox = tree(&[Script::new("leaves").then(stays)]);
    // `cat` ends only when serelrc, its remains and the daemon have all let go.
    let text = "mkfifo gate; rc start 2 2>&1 | cat > out; echo go > gate; cat out";
    let run = shell(&sandbox, text).expect_code(0);
    assert!(run.stdout.contains("  leaves: started"), "{run}");
}

#[test]
fn scripts_inherit_no_descriptors_of_ours() {
    let sandbox =
        tree(&[Script::new("a").then("ls -l /proc/self/fd > \"${0%/etc/*}/fds\""), Script::new("b")]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    let ours = ["eventpoll", "eventfd", "signalfd", ".db", "pidfd"];
    let fds = sandbox.read("fds");
    assert!(!ours.iter().any(|kind| fds.contains(kind)), "{fds}");
    // Its own three, and what the shell and `ls` opened; higher ones are the test runner's own.
    let lines = fds.lines().filter(|line| line.contains(" -> "));
    let low = lines.filter_map(|line| line.split(" -> ").next()?.rsplit(' ').next()?.parse().ok());
    assert!(low.filter(|fd: &u32| *fd < 50).count() <= 5, "{fds}");
}

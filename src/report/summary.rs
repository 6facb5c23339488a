//! The last lines of a run: what went wrong and what to type next, then one line with all the figures.

use super::account::Account;
use super::palette;
use crate::model::{JobId, Phase};
use crate::text::{self, signal_name};
use crate::wavefront::{Outcome, Record};
use std::fmt::Write as _;

/// Skipped jobs that are listed; each was reported when it was skipped, and failures are the news.
const SKIPPED_SHOWN: usize = 20;

/// Names of the critical path that are shown at its beginning and at its end.
const PATH_SHOWN: (usize, usize) = (3, 5);

/// The summary of a run, several lines, each ending with a newline. The last line has the figures:
///
/// ```text
/// serelrc: start 2: 25 jobs, 24 ok, 1 failed in 1.52s wall; 8.31s of job time, 5.5 times faster;
///          critical path 1.40s: a > b > c; plan: cached            (one line)
/// ```
pub fn summary(account: &Account, colour: bool) -> String {
    let mut out = String::new();
    let (mut failed, mut skipped): (Vec<&Record>, Vec<&Record>) = account
        .run
        .records
        .iter()
        .filter(|record| !matches!(record.outcome, Outcome::Done | Outcome::Cancelled))
        .partition(|record| record.outcome.fails_the_run());
    failed.sort_by_key(|record| (record.end, record.job));
    skipped.sort_by_key(|record| (record.end, record.job));
    let left_out = skipped.len().saturating_sub(SKIPPED_SHOWN);
    skipped.truncate(SKIPPED_SHOWN);
    if !failed.is_empty() || !skipped.is_empty() {
        let _ = writeln!(out, "serelrc: {}: not all went well:", account.unit);
    }
    let width = failed.iter().chain(&skipped).map(|record| text::columns(account.name(record.job))).max();
    for record in failed.iter().chain(&skipped) {
        let _ = writeln!(
            out,
            " {} {}  {}",
            palette::word(record.outcome, colour),
            text::pad(account.name(record.job), width.unwrap_or(0)),
            account.reason(record)
        );
    }
    if left_out > 0 {
        let _ = writeln!(out, "        and {left_out} more were skipped");
    }
    if let (Some(record), None) = (failed.first(), account.run.interrupted) {
        let _ = writeln!(out, "serelrc: to see what is wrong, type: {}", by_hand(account, record.job));
    }
    if let Some(signal) = account.run.interrupted {
        let _ = writeln!(
            out,
            "serelrc: interrupted by {}; to go on, type {}",
            signal_name(signal),
            account.again.as_deref().unwrap_or("the same once more with --resume")
        );
    }
    out.push_str(&figures(account));
    out
}

/// The command that runs the script of a job by hand.
fn by_hand(account: &Account, job: JobId) -> String {
    let logical = account.plan.get(job).map_or("", |job| job.script);
    let (script, word) = match (account.call, account.plan.phase) {
        (Some((root, word)), _) => (root.shown(logical), word),
        (None, Phase::Start) => (logical.to_owned(), "start"),
        (None, Phase::Stop) => (logical.to_owned(), "stop"),
    };
    let tame = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,%".contains(c);
    let script = if script.chars().all(tame) {
        script
    } else {
        format!("'{}'", text::harmless(script.as_bytes()).replace('\'', r"'\''"))
    };
    format!("{script} {word}")
}

/// The last line.
fn figures(account: &Account) -> String {
    let jobs = account.run.records.len();
    if jobs == 0 {
        return format!("serelrc: {}: nothing to do; plan: {}\n", account.unit, account.plan_words);
    }
    let counts = account.counts();
    let mut out = format!("serelrc: {}: {jobs} {}", account.unit, if jobs == 1 { "job" } else { "jobs" });
    let parts = [
        (counts.ok, "ok"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
        (counts.cancelled, "cancelled"),
    ];
    for (count, word) in parts.into_iter().filter(|(count, word)| *count > 0 || *word == "ok") {
        let _ = write!(out, ", {count} {word}");
    }
    let _ = write!(
        out,
        " in {} wall; {} of job time, {:.1} times faster",
        text::seconds(account.wall()),
        text::seconds(account.job_time()),
        account.speed_up()
    );
    if !account.critical.jobs.is_empty() {
        let _ = write!(
            out,
            "; critical path {}: {}",
            text::seconds(account.critical.length),
            path_words(account)
        );
    }
    let _ = writeln!(out, "; plan: {}", account.plan_words);
    out
}

/// `a > b > c`, the middle of a long path left out.
fn path_words(account: &Account) -> String {
    let names: Vec<&str> = account.critical.jobs.iter().map(|job| account.name(*job)).collect();
    let (first, last) = PATH_SHOWN;
    if names.len() <= first + last {
        return names.join(" > ");
    }
    let left_out = names.len() - first - last;
    format!(
        "{} > ({left_out} more) > {}",
        names[..first].join(" > "),
        names[names.len() - last..].join(" > ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::account::tests::Case;

    fn told(case: &Case, unit: &str, plan_words: &str) -> String {
        let run = case.run();
        summary(&Account::new(&run, &case.plan, unit, plan_words), false)
    }

    #[test]
    fn a_good_run_is_one_line() {
        let mut case = Case::new();
        case.job("net", &[], Some((0, 400)));
        case.job("db", &["net"], Some((400, 1520)));
        case.job("cron", &[], Some((0, 1000)));
        assert_eq!(
            told(&case, "start 2", "cached"),
            "serelrc: start 2: 3 jobs, 3 ok in 1.52s wall; 2.52s of job time, 1.7 times faster; \
             critical path 1.52s: net > db; plan: cached\n"
        );
    }

    #[test]
    fn failures_come_with_reason_and_what_to_type() {
        let mut case = Case::new();
        case.job("web-server", &["app"], None);
        case.outcome(Outcome::DependencyFailed(JobId(1)));
        case.job("app", &["db"], None);
        case.outcome(Outcome::DependencyFailed(JobId(2)));
        case.job("db", &[], Some((0, 100)));
        case.outcome(Outcome::Failed(3));
        assert_eq!(
            told(&case, "start 2", "rebuilt: first run"),
            "serelrc: start 2: not all went well:\n \
             FAILED db          exit status 3\n \
             DEPEND web-server  skipped: needs db, which failed (db -> app -> this)\n \
             DEPEND app         skipped: needs db, which failed\n\
             serelrc: to see what is wrong, type: /etc/init.d/db start\n\
             serelrc: start 2: 3 jobs, 0 ok, 1 failed, 2 skipped in 0.10s wall; 0.10s of job time, \
             1.0 times faster; critical path 0.10s: db; plan: rebuilt: first run\n"
        );
    }

    #[test]
    fn long_lists_are_counted_not_dumped() {
        let mut case = Case::new();
        case.job("root", &[], Some((0, 1)));
        case.outcome(Outcome::Failed(1));
        for i in 0..30 {
            case.job(&format!("s{i}"), &["root"], None);
            case.outcome(Outcome::DependencyFailed(JobId(0)));
        }
        let text = told(&case, "start 2", "cached");
        assert_eq!(text.lines().filter(|line| line.starts_with(" DEPEND")).count(), 20);
        assert!(text.contains("        and 10 more were skipped\n"), "{text}");

        let mut case = Case::new();
        case.plan.parallel = false;
        (0..20).for_each(|i| case.job(&format!("s{i}"), &[], Some((i, i + 1))));
        let text = told(&case, "start 2", "cached");
        assert!(text.contains(": s0 > s1 > s2 > (12 more) > s15 > s16 > s17 > s18 > s19;"), "{text}");
    }

    #[test]
    fn an_interrupted_run_says_how_to_go_on() {
        let mut case = Case::new();
        case.job("a", &[], None);
        case.outcome(Outcome::Cancelled);
        let mut run = case.run();
        run.interrupted = Some(2);
        let text = summary(&Account::new(&run, &case.plan, "start 2", "cached"), false);
        assert_eq!(
            text,
            "serelrc: interrupted by SIGINT; to go on, type the same once more with --resume\n\
             serelrc: start 2: 1 job, 0 ok, 1 cancelled in 0.00s wall; 0.00s of job time, \
             1.0 times faster; plan: cached\n"
        );
    }

    #[test]
    fn an_empty_unit_has_nothing_to_do() {
        assert_eq!(told(&Case::new(), "stop 6", "cached"), "serelrc: stop 6: nothing to do; plan: cached\n");
    }

    #[test]
    fn an_odd_script_is_quoted_for_the_shell() {
        let mut case = Case::new();
        case.job("it's", &[], Some((0, 1)));
        case.outcome(Outcome::Failed(1));
        case.plan.phase = Phase::Stop;
        let text = told(&case, "stop 0", "cached");
        assert!(text.contains(r"type: '/etc/init.d/it'\''s' stop"), "{text}");
    }
}

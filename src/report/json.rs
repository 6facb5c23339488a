//! A run for programs: `serelrc start --json`. The keys and words are a contract: they are added to, never changed.
//!
//! Times are milliseconds with three decimals since the run began.

use super::account::Account;
use crate::wavefront::{Nanos, Outcome, Record};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    unit: &'a str,
    plan: &'a str,
    wall_ms: f64,
    job_ms: f64,
    speed_up: f64,
    critical_path: Vec<&'a str>,
    critical_path_ms: f64,
    widest: usize,
    /// The signal that ended the run early.
    interrupted: Option<i32>,
    jobs: Vec<Job<'a>>,
}

#[derive(Serialize)]
struct Job<'a> {
    name: &'a str,
    outcome: &'static str,
    /// The exit status, when there was one.
    status: Option<i32>,
    /// The signal that killed it.
    signal: Option<i32>,
    /// The job for whose sake it was skipped.
    cause: Option<&'a str>,
    /// Why it did not end well, for people.
    reason: Option<String>,
    ready_ms: Option<f64>,
    start_ms: Option<f64>,
    available_ms: Option<f64>,
    end_ms: f64,
    user_ms: f64,
    system_ms: f64,
    max_rss_kib: u64,
}

/// The account of a run as one JSON object with a newline at its end. `jobs` stands in the order of the plan.
pub fn json(account: &Account) -> String {
    let document = Document {
        unit: account.unit,
        plan: account.plan_words,
        wall_ms: millis(account.wall()),
        job_ms: millis(account.job_time()),
        speed_up: (account.speed_up() * 1000.0).round() / 1000.0,
        critical_path: account.critical.jobs.iter().map(|job| plain_name(account, *job)).collect(),
        critical_path_ms: millis(account.critical.length),
        widest: account.run.widest,
        interrupted: account.run.interrupted,
        jobs: account.run.records.iter().map(|record| job(account, record)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("BUG: strings and numbers are always JSON");
    text.push('\n');
    text
}

/// The name as it is; JSON escapes what must be escaped.
fn plain_name<'a>(account: &'a Account, job: crate::model::JobId) -> &'a str {
    account.plan.get(job).map_or("", |job| job.name)
}

fn job<'a>(account: &'a Account, record: &Record) -> Job<'a> {
    let since = |at: Nanos| millis(at.saturating_sub(account.run.begin));
    let status = match record.outcome {
        Outcome::Done => Some(0),
        Outcome::NotInstalled => Some(5),
        Outcome::NotConfigured => Some(6),
        Outcome::Failed(status) => Some(status),
        _ => None,
    };
    Job {
        name: plain_name(account, record.job),
        outcome: record.outcome.name(),
        status,
        signal: if let Outcome::Signalled(signal) = record.outcome { Some(signal) } else { None },
        cause: match record.outcome {
            Outcome::DependencyFailed(by) => Some(plain_name(account, by)),
            _ => None,
        },
        reason: Some(account.reason(record)).filter(|reason| !reason.is_empty()),
        ready_ms: record.ready.map(since),
        start_ms: record.start.map(since),
        available_ms: record.available.map(since),
        end_ms: since(record.end),
        user_ms: millis(record.usage.user_us.saturating_mul(1000)),
        system_ms: millis(record.usage.system_us.saturating_mul(1000)),
        max_rss_kib: record.usage.max_rss_kib,
    }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 microseconds, which is 285 years")]
fn millis(nanos: Nanos) -> f64 {
    ((nanos.saturating_add(500)) / 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobId;
    use crate::report::account::tests::{Case, ms};
    use crate::wavefront::Usage;

    #[test]
    fn says_all_of_a_run_relative_to_its_beginning() {
        let mut case = Case::new();
        case.job("db\x1b", &[], Some((1000, 1250)));
        case.outcome(Outcome::Failed(3));
        case.records[0].usage = Usage { user_us: 1500, system_us: 20, max_rss_kib: 4096 };
        case.records[0].available = Some(ms(1200));
        case.job("app", &["db\x1b"], None);
        case.outcome(Outcome::DependencyFailed(JobId(0)));
        case.records[1].end = ms(1250);
        let mut run = case.run();
        run.begin = ms(1000) - 1_000;
        let text = json(&Account::new(&run, &case.plan, "start 2", "cached"));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "unit": "start 2", "plan": "cached", "wall_ms": 250.001, "job_ms": 250.0, "speed_up": 1.0,
                "critical_path": ["db\u{1b}"], "critical_path_ms": 250.0, "widest": 2, "interrupted": null,
                "jobs": [
                    {"name": "db\u{1b}", "outcome": "failed", "status": 3, "signal": null, "cause": null,
                     "reason": "exit status 3", "ready_ms": 0.001, "start_ms": 0.001, "available_ms": 200.001,
                     "end_ms": 250.001, "user_ms": 1.5, "system_ms": 0.02, "max_rss_kib": 4096},
                    {"name": "app", "outcome": "dependency-failed", "status": null, "signal": null,
                     "cause": "db\u{1b}", "reason": "skipped: needs db\\x1b, which failed",
                     "ready_ms": null, "start_ms": null, "available_ms": null, "end_ms": 250.001,
                     "user_ms": 0.0, "system_ms": 0.0, "max_rss_kib": 0},
                ]
            })
        );
    }
}

//! The contract of systemtap-service: a case for each row of its manual, over a compiler and runners that pretend.
//!
//! The bash script that this program replaces fails each of these:
//!
//! | what it does | the case |
//! |---|---|
//! | one script after another | `starting::independent_scripts_start_at_the_same_time_..`, `stopping::independent_..` |
//! | two cold compilations of one key | `compiling::the_first_of_each_key_compiles_alone`, `no_more_compile_at_once_..` |
//! | a diamond stops in the wrong order | `stopping::a_diamond_stops_in_the_reverse_order` |
//! | `stop -R` takes what others need | `stopping::what_others_still_need_stays_up` |
//! | `PASSALL=no` starts what lacks its requirement | `starting::a_script_whose_requirement_failed_is_not_started` |
//! | `PASSALL=yes` abandons the rest | `starting::what_does_not_depend_on_a_failure_is_finished` |
//! | one circle fails everything, unnamed | `starting::a_circle_is_named_and_those_outside_it_can_be_started` |
//! | a dead stapio: never stopped again | `stopping::a_module_whose_reader_was_killed_is_unloaded` |
//! | a reused number gets SIGTERM | `stopping::a_process_that_only_has_the_number_..`, `a_reader_is_known_by_..` |
//! | `compile -r OTHER` is always stale | `compiling::what_was_compiled_for_another_kernel_is_good_there` |
//! | half a cache after a crash | `cache::tests::a_crash_leaves_the_old_or_the_new`, `compiling::a_failed_compilation_..` |
//! | configuration is run as root | `configuring::nothing_in_a_configuration_is_run` and config's own tests |
//! | no option can hold a blank | `configuring::a_command_with_a_blank_reaches_staprun_whole` |
//! | unknown options make scripts unstartable | `configuring::options_go_to_the_program_that_they_are_for` |
//! | reasons stand in the log only | every case that looks for `... error: WHY (log: ` |
//! | no dependencies in `status` | `configuring::status_shows_requirements` |
//! | no lock | `stopping::commands_wait_for_each_other` |
//! | a restart stops what cannot be compiled | `stopping::a_restart_compiles_before_it_stops` |
//! | relative `-o`, `-S`, `-c` | `configuring::options_go_to_..`, `a_command_with_a_blank_..` |
//! | who called `exit()` runs for ever | `starting::a_script_that_ended_by_itself_..` |
//! | logs among the status files | `stopping::other_files_among_the_status_files_are_left_alone` |
//! | names are checked in one place only | `configuring::one_rule_for_names_wherever_they_come_from` |
//! | `conf.d/group1` of its own manual | `configuring::files_of_the_manual_of_2009_are_read` |
//! | no progress, no history | `starting::a_terminal_has_the_display_of_all_runs`, `a_run_is_recorded_as_any_other` |

mod bpf;
mod compiling;
mod configuring;
mod contrib;
mod grammar;
mod onboot;
mod starting;
mod stopping;

use crate::support::tap::Tap;

/// Positions of lines in a journal; each must be there once.
#[track_caller]
fn position(journal: &[String], line: &str) -> usize {
    let found: Vec<usize> =
        journal.iter().enumerate().filter(|(_, known)| *known == line).map(|(at, _)| at).collect();
    assert_eq!(found.len(), 1, "{line:?} in {journal:#?}");
    found[0]
}

/// A tree with scripts, each with what it requires.
fn tree(scripts: &[(&str, &str)]) -> Tap {
    let tap = Tap::new();
    for (name, requires) in scripts {
        tap.script(name, requires);
    }
    tap
}

//! The one integration test crate: a module per feature.

mod debian;
mod definition;
mod fingerprint;
mod graph;
mod history;
mod hooks;
mod levels;
mod logging;
mod packaging;
mod processes;
mod registry;
mod report;
mod serelhistory;
mod serelrc;
mod standin;
mod startpar;
mod support;
mod systemtap;

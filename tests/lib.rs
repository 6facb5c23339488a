//! The one integration test crate: a module per feature.

mod logging;
mod report;
mod processes;
mod graph;
mod debian;
mod processes;
mod startpar;
mod support;

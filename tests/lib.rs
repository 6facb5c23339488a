//! The one integration test crate: a module per feature.

mod debian;
mod graph;
mod logging;
mod processes;
mod report;
mod startpar;
mod support;

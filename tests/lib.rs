//! The one integration test crate: a module per feature.
mod debian;
mod processes;
mod startpar;
mod support;

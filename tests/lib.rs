//! The one integration test crate: a module per feature.

mod fingerprint;
mod history;

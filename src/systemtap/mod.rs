//! systemtap-service: probe scripts as services, with dependencies, options and compiled caches.
//!
//! Scripts and what they require become services and needs of the same graph, plan and wavefront that boot scripts
//! run on; compiles and starts are jobs of one plan.

pub mod backend;
pub mod cache;
pub mod config;
pub mod job;
pub mod journal;
pub mod kernel;
pub mod modules;
pub mod name;
pub mod options;
pub mod process;
pub mod settings;
pub mod status;

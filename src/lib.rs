//! serel: a parallel scheduler for services that declare relations.
//!
//! The way of the data: text sources become definitions, definitions a graph, the graph a verified plan, and the
//! plan runs as a wavefront. History lets an unchanged boot skip everything left of the plan.
//!
//! Imports go downward only: `cli`, `boot`, `report`; `systemtap`; `ipc` over `registry`; `wavefront` over `engine`, and `unit` over `history` and `graph`;
//! `plan` and `definition`; `fingerprint` and `model`; and at the bottom `ids`, `root`, `text`, `log`, `exit`, `processors`.

pub mod boot;
pub mod cli;
pub mod definition;
pub mod engine;
pub mod exit;
pub mod fingerprint;
pub mod graph;
pub mod history;
pub mod ids;
pub mod ipc;
pub mod log;
pub mod model;
pub mod plan;
pub mod processors;
pub mod registry;
pub mod report;
pub mod root;
pub mod systemtap;
pub mod text;
pub mod unit;
pub mod wavefront;

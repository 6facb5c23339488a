//! What definitions say: from text to [`Definition`](crate::model::Definition)s, every fact with its place.
//!
//! Three kinds of text define a service: the comment header of an init script (LSB 5.0, chapter 22), an override
//! header of the administrator's, and RDF. Malformed text gives diagnostics, never an error that hides the rest.

pub mod diagnostic;
pub mod facility;
pub mod header;
pub mod name;
pub mod rdf;
pub mod scan;
pub mod trust;

pub use facility::Facilities;

use crate::model::Definition;
use diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};

/// What was read from one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What it says.
    pub definitions: Vec<Definition>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

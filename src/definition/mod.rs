//! What definitions say: scan, headers, RDF, facilities, overrides.
pub mod diagnostic;

//! The synchronisation primitives: the state machine against a model, and real programs.

mod model;

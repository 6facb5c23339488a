//! Finds a unit and its plan.

//! One file per program: arguments to options, no logic.

pub mod general;
pub mod lsb2rdf;
pub mod serelc;
pub mod sereld;
pub mod serelhistory;
pub mod serelrc;
pub mod serelwrap;
pub mod startpar;
pub mod systemtap;

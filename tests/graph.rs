//! Graphs: what relations mean, what is reported, what becomes of circles.

mod circles;
mod large;
mod problems;
mod random;
mod rules;
mod support;

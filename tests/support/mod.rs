//! What the tests stand on: private trees, programs with a time limit, Debian's own packages, orders to compare.
//!
//! Nothing here touches the machine outside the build directory, and nothing here passes over a tool that is not
//! there: a test that cannot do its work fails and says what it lacks.

pub(crate) mod debian;
pub(crate) mod machine;
pub(crate) mod order;
pub(crate) mod program;
pub(crate) mod sandbox;
pub(crate) mod screen;
pub(crate) mod script;
pub(crate) mod tap;

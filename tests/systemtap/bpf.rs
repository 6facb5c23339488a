//! eBPF scripts in the kernel of this machine.

use crate::Case;

/// The tests.
pub(crate) const CASES: &[Case] = &[];

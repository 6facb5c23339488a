//! One call for each verb of serelrc.

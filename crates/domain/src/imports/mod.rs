//! Imports: from bytes to rows, from rows to a plan.

//! Contacts and what hangs on them.

//! The one question about this process that the standard library cannot answer.

/// The effective user id of this process: 0 means root.
#[expect(unsafe_code, reason = "std offers no geteuid; the call has no preconditions")]
pub(super) fn effective_uid() -> u32 {
    // SAFETY: geteuid(2) takes no arguments, touches no memory and cannot fail.
    unsafe { libc::geteuid() }
}

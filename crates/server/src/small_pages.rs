//! Memory in small pages.

/// Has the kernel give memory in pages of its usual size, not of two megabytes at a time. A server has many
/// threads, and each keeps memory of its own: with huge pages a handful of objects holds megabytes (the growth
/// of the process over an import doubled). PostgreSQL, when it is started by this process, inherits it, which
/// its manual recommends anyway.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "std has no prctl; the call takes plain numbers")]
pub fn ask() {
    // SAFETY: no pointers are passed. An old kernel that does not know the wish refuses it, which changes nothing.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

/// Does nothing: only Linux takes huge pages without being asked.
#[cfg(not(target_os = "linux"))]
pub fn ask() {}

//! How many files, and so connections, the process may have open.

/// What is asked for: enough for every connection there may be.
const WANTED: libc::rlim_t = 16_384;

/// Raises the soft limit, often 1,024, as far as the hard one allows, and says what holds now. The process does
/// not use `select`, which is what the low soft limit protects.
#[expect(unsafe_code, reason = "std offers no limits; the calls get a valid pointer to a local")]
pub(crate) fn raise() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a local that outlives the call
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return 1024;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(WANTED), ..limit };
    if limit.rlim_cur < raised.rlim_cur {
        // SAFETY: the pointer is to a local that outlives the call
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
            limit = raised;
        }
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

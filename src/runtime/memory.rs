//! Giving memory back to the system. Knows nothing of who freed it.
#![allow(unsafe_code)]

/// Gives back what has been freed. glibc keeps a burst's peak for itself until it is asked; other allocators see to it
/// themselves.
pub(crate) fn give_back() {
    // SAFETY: takes no pointer and may be called at any time.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}

//! What a guest owes its host when it starts threads: signals stay with the host's own threads, and computing yields
//! to the application. One of the few files that may be unsafe.
//! It refuses to fail: where the system does not allow it, nothing happens.
#![expect(unsafe_code, reason = "signal masks and priorities have no safe interface")]

/// How much nicer than the application the workers are.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 5;

/// Keeps the signals that are meant for the process away from the calling thread: a handler of the application must
/// not run on a thread that Node does not know.
#[cfg(unix)]
pub(crate) fn leave_signals_to_the_host() {
    let own =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set that the next calls read; all of them get valid pointers to it.
    unsafe {
        if libc::sigfillset(set.as_mut_ptr()) != 0 {
            return;
        }
        // What a thread raises by its own instruction must not be blocked.
        for signal in own {
            libc::sigdelset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Signals belong to the process here.
#[cfg(not(unix))]
pub(crate) fn leave_signals_to_the_host() {}

/// Lowers the calling thread's priority.
#[cfg(target_os = "linux")]
pub(crate) fn yield_to_the_application() {
    // SAFETY: takes no pointers. Process 0 is the calling thread; without the right to do it, it does nothing.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}

/// No such thing per thread here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn yield_to_the_application() {}

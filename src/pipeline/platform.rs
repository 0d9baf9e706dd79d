//! What a guest owes its host when it starts threads: signals stay with the host's own threads, computing yields to the
//! application, a process that somebody forks knows that it has none of them, and the end of the process is heard of. One
//! of the few files that may be unsafe.
//! It refuses to fail: where the system does not allow it, nothing happens.
#![expect(
    unsafe_code,
    reason = "signal masks, priorities, forks and the end of the process have no safe interface"
)]

use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use crate::contain::contained;

static IS_FORKED_CHILD: AtomicBool = AtomicBool::new(false);

/// Whether this process is a copy made by `fork` of one whose engine was running: its threads do not exist here, and
/// any lock may be held by one of them for ever. Costs a load.
pub fn is_forked_child() -> bool {
    IS_FORKED_CHILD.load(Ordering::Relaxed) && !mutant!("F67")
}

/// From now on children know what they are. To be called before the first thread starts.
#[cfg(unix)]
pub(crate) fn watch_for_forks() {
    use std::sync::Once;
    extern "C" fn in_child() {
        contained((), || IS_FORKED_CHILD.store(true, Ordering::Relaxed));
    }
    static WATCH: Once = Once::new();
    // SAFETY: the handler lives as long as the library, which is never unloaded once an environment has been made, and
    // it does what a handler may do in the child of a threaded process: it stores to an atomic.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

/// No such thing here.
#[cfg(not(unix))]
pub(crate) fn watch_for_forks() {}

/// Calls `handler` when the process ends by `exit()` or by the return of `main`, on the thread that ends it. That may be any
/// thread, at any point, and its thread-locals are gone. Not to be called twice for one handler.
#[cfg(unix)]
pub(crate) fn at_process_end(handler: extern "C" fn()) {
    // SAFETY: the handler lives as long as the library, which is never unloaded once an environment has been made, and
    // it does not unwind.
    unsafe {
        libc::atexit(handler);
    }
}

/// On Windows a library hears of the end of the process when all other threads are gone: nobody is left to wait for.
#[cfg(not(unix))]
pub(crate) fn at_process_end(_handler: extern "C" fn()) {}

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

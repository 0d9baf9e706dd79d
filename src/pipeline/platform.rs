//! What a guest owes its host when it starts threads: signals stay with the host's own threads, computing yields to the
//! application, a process that somebody forks knows that it has none of them, the end of the process is heard of, and memory
//! that is not needed goes back. One of the few files that may be unsafe.
//! It refuses to fail: where the system does not allow it, nothing happens.
#![expect(
    unsafe_code,
    reason = "signal masks, priorities, forks, the end of the process and pages have no safe interface"
)]

use std::{
    alloc::Layout,
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering},
};

#[cfg(unix)]
use crate::contain::contained;

static IS_FORKED_CHILD: AtomicBool = AtomicBool::new(false);

/// Whether this process is a copy made by `fork` of one whose engine was running: its threads do not exist here, and
/// any lock may be held by one of them for ever. Costs a load.
pub fn is_forked_child() -> bool {
    IS_FORKED_CHILD.load(Ordering::Relaxed)
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
    // it does what a handler may do in the child of a threaded process: it stores to an atomic, and takes no lock.
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
    // it does not unwind: it contains its panics (`tests/conventions.rs`).
    unsafe {
        libc::atexit(handler);
    }
}

/// On Windows a library hears of the end of the process when all other threads are gone: nobody is left to wait for.
#[cfg(not(unix))]
pub(crate) fn at_process_end(_handler: extern "C" fn()) {}

/// How much nicer the workers are than the thread that starts them, which is the application's.
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

/// Lowers the calling thread's priority. Relative to what it has: an application under `nice` has a lower one than usual.
#[cfg(target_os = "linux")]
pub(crate) fn yield_to_the_application() {
    // SAFETY: takes no pointers. On Linux it is about the calling thread, and only the other direction needs a right.
    unsafe {
        libc::nice(NICENESS);
    }
}

/// No such thing per thread here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn yield_to_the_application() {}

/// Zeroed pages that cost memory where they are written to. Not from the allocator: one that has to align them writes the
/// zeros, and so does one that recycles them, which also keeps what is freed.
///
/// # Safety
/// The layout has a size, and no more than the alignment of a page.
#[cfg(all(unix, not(miri)))]
pub(crate) unsafe fn allocate_pages(layout: Layout) -> Option<NonNull<u8>> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
    // SAFETY: the system chooses an address that nobody uses.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), layout.size(), access, kind, -1, 0) };
    if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) }
}

/// # Safety
/// Of `allocate_pages` with that layout; nobody uses them any more.
#[cfg(all(unix, not(miri)))]
pub(crate) unsafe fn free_pages(start: NonNull<u8>, layout: Layout) {
    // SAFETY: as the caller promises.
    unsafe { libc::munmap(start.as_ptr().cast(), layout.size()) };
}

/// # Safety
/// The layout has a size.
#[cfg(any(not(unix), miri))]
pub(crate) unsafe fn allocate_pages(layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: as the caller promises.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })
}

/// # Safety
/// Of `allocate_pages` with that layout; nobody uses them any more.
#[cfg(any(not(unix), miri))]
pub(crate) unsafe fn free_pages(start: NonNull<u8>, layout: Layout) {
    // SAFETY: as the caller promises.
    unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
}

/// Gives the physical memory behind some bytes back to the system: of the pages that lie in them whole, since the pages of
/// a system may be larger than the 4 KiB that blocks are aligned to. The addresses stay valid.
///
/// # Safety
/// The bytes are allocated, nobody reads or writes them meanwhile, and nobody reads them afterwards before having written
/// them.
pub(crate) unsafe fn release_pages(start: *mut u8, bytes: usize) {
    let Some((offset, bytes)) = whole_pages(start.addr(), bytes, page_bytes()) else { return };
    // SAFETY: `whole_pages` keeps the range inside the caller's, which it may lose (the caller's promise).
    unsafe { system::release(start.add(offset), bytes) };
}

/// Tells the system that such bytes are in use again.
///
/// # Safety
/// The bytes are allocated.
pub(crate) unsafe fn reclaim_pages(start: *mut u8, bytes: usize) {
    let Some((offset, bytes)) = whole_pages(start.addr(), bytes, page_bytes()) else { return };
    // SAFETY: `whole_pages` keeps the range inside the caller's.
    unsafe { system::reclaim(start.add(offset), bytes) };
}

/// The whole pages in `bytes` bytes from `start` on: where they begin behind `start`, and their bytes.
fn whole_pages(start: usize, bytes: usize, page: usize) -> Option<(usize, usize)> {
    let first = start.checked_next_multiple_of(page)?;
    let end = start.checked_add(bytes)?;
    let whole = end.checked_sub(first)? / page * page;
    (whole > 0).then_some((first - start, whole))
}

#[cfg(unix)]
fn page_bytes() -> usize {
    static PAGE_BYTES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *PAGE_BYTES.get_or_init(|| {
        // SAFETY: takes no pointers.
        let told = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(told).ok().filter(|bytes| *bytes > 0).unwrap_or(64 * 1024)
    })
}

/// The same on every machine that Windows runs on.
#[cfg(not(unix))]
fn page_bytes() -> usize {
    4096
}

/// Pages read zero when they are used again.
#[cfg(target_os = "linux")]
mod system {
    /// # Safety
    /// Whole pages that nobody uses and whose content nobody needs.
    pub unsafe fn release(start: *mut u8, bytes: usize) {
        // SAFETY: as the caller promises. Where it fails (locked memory) the pages stay.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_DONTNEED) };
    }

    /// # Safety
    /// None: the first use tells the system.
    pub unsafe fn reclaim(_start: *mut u8, _bytes: usize) {}
}

/// Pages go when the system needs them, and count as gone at once; until then they keep their content.
#[cfg(target_os = "macos")]
mod system {
    /// # Safety
    /// Whole pages that nobody uses and whose content nobody needs.
    pub unsafe fn release(start: *mut u8, bytes: usize) {
        // SAFETY: as the caller promises. Where it fails the pages stay.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_FREE_REUSABLE) };
    }

    /// # Safety
    /// Whole pages of memory that is allocated.
    pub unsafe fn reclaim(start: *mut u8, bytes: usize) {
        // SAFETY: as the caller promises; it changes what the system counts, and no content.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_FREE_REUSE) };
    }
}

/// Pages leave the working set; their content is not defined then.
#[cfg(windows)]
mod system {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn DiscardVirtualMemory(address: *mut std::ffi::c_void, bytes: usize) -> u32;
    }

    /// # Safety
    /// Whole pages that nobody uses and whose content nobody needs.
    pub unsafe fn release(start: *mut u8, bytes: usize) {
        // SAFETY: as the caller promises. Where it fails the pages stay.
        unsafe { DiscardVirtualMemory(start.cast(), bytes) };
    }

    /// # Safety
    /// None: the first use tells the system.
    pub unsafe fn reclaim(_start: *mut u8, _bytes: usize) {}
}

/// Memory stays where it is.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    /// # Safety
    /// None: nothing happens.
    pub unsafe fn release(_start: *mut u8, _bytes: usize) {}

    /// # Safety
    /// None: nothing happens.
    pub unsafe fn reclaim(_start: *mut u8, _bytes: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    #[cfg_attr(miri, ignore = "asks the system")]
    fn yielding_is_relative_to_the_priority_that_the_thread_was_given() {
        let niceness = || {
            // SAFETY: takes no pointers; 0 is the calling thread.
            unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
        };
        let seen = std::thread::spawn(move || {
            let at_first = niceness();
            yield_to_the_application();
            let once = niceness();
            yield_to_the_application();
            [at_first, once, niceness()]
        });
        let [at_first, once, twice] = seen.join().unwrap();
        assert_eq!([once, twice], [(at_first + 5).min(19), (at_first + 10).min(19)]);
    }

    #[test]
    fn a_page_that_is_shared_with_a_neighbour_stays() {
        const PAGE: usize = 64 * 1024;
        assert_eq!(whole_pages(4 * PAGE, 2 * PAGE, PAGE), Some((0, 2 * PAGE)));
        assert_eq!(whole_pages(4 * PAGE, 2 * PAGE + 4096, PAGE), Some((0, 2 * PAGE)));
        assert_eq!(whole_pages(4 * PAGE - 4096, 2 * PAGE, PAGE), Some((4096, PAGE)));
        assert_eq!(whole_pages(4 * PAGE + 4096, PAGE, PAGE), None);
        assert_eq!(whole_pages(usize::MAX - 10, PAGE, PAGE), None);
    }
}

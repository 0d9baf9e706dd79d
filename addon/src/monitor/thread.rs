//! What the system tells about one thread, read from another: time on a processor, time without one, what it waits for.
//! It refuses to guess: where the system does not tell, there is no number.
#![cfg_attr(
    any(unix, windows),
    expect(unsafe_code, reason = "thread clocks have no safe interface")
)]

use std::time::Duration;

use offloop::{
    clock::monotonic,
    monitor::usage::{ThreadState, Usage},
};

/// The thread that made it.
pub struct ThreadMeter {
    #[cfg(target_os = "linux")]
    clock: Option<libc::clockid_t>,
    #[cfg(target_os = "linux")]
    schedule: Option<std::fs::File>,
    #[cfg(target_os = "linux")]
    system_call: String,
    #[cfg(target_os = "macos")]
    port: u32,
    #[cfg(windows)]
    thread: windows::ThreadHandle,
}

/// CPU time of the calling thread.
pub fn own_cpu() -> Option<Duration> {
    #[cfg(unix)]
    {
        read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
    }
    #[cfg(windows)]
    {
        windows::own_cpu()
    }
    #[cfg(not(any(unix, windows)))]
    None
}

/// A number that changes every few milliseconds, for a fraction of what reading a clock costs; where there is none it
/// is always another, so that nothing is taken to be in the same tick.
pub fn coarse_tick() -> u64 {
    #[cfg(target_os = "linux")]
    if let Some(time) = read_clock(libc::CLOCK_MONOTONIC_COARSE) {
        return time.as_nanos() as u64;
    }
    monotonic().0.as_nanos() as u64
}

#[cfg(unix)]
fn read_clock(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to; a clock of a thread that has ended is an error or, if its number has
    // been given to another thread since, that one's: a wrong number, and no more.
    let is_read = unsafe { libc::clock_gettime(clock, &raw mut time) } == 0;
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    is_read.then(|| Duration::new(seconds, nanos))
}

#[cfg(target_os = "linux")]
impl ThreadMeter {
    /// Of the calling thread.
    pub fn of_this_thread() -> Self {
        let mut clock = 0;
        // SAFETY: the calling thread exists, and `clock` is there to be written.
        let has_clock =
            unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) == 0 };
        // SAFETY: takes nothing and cannot fail.
        let id = unsafe { libc::gettid() };
        let file = |name: &str| format!("/proc/self/task/{id}/{name}");
        ThreadMeter {
            clock: has_clock.then_some(clock),
            schedule: std::fs::File::open(file("schedstat")).ok(),
            system_call: file("syscall"),
        }
    }

    /// Its counters.
    pub fn usage(&self) -> Usage {
        Usage {
            cpu: self.clock.and_then(read_clock),
            run_delay: self.schedule.as_ref().and_then(run_delay),
        }
    }

    /// What it is doing.
    pub fn state(&self) -> ThreadState {
        let Ok(text) = std::fs::read_to_string(&self.system_call) else {
            return ThreadState::Unknown;
        };
        match text.split_whitespace().next() {
            Some("running") => ThreadState::Runnable,
            Some(number) if number.parse() == Ok(libc::SYS_futex) => ThreadState::WaitingForThread,
            Some(_) => ThreadState::Waiting,
            None => ThreadState::Unknown,
        }
    }
}

/// `schedstat`: nanoseconds on a processor, nanoseconds ready without one, times scheduled.
#[cfg(target_os = "linux")]
fn run_delay(schedule: &std::fs::File) -> Option<Duration> {
    let mut text = [0; 80];
    let length = std::os::unix::fs::FileExt::read_at(schedule, &mut text, 0).ok()?;
    let text = std::str::from_utf8(text.get(..length)?).ok()?;
    let nanos = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(target_os = "macos")]
impl ThreadMeter {
    /// Of the calling thread.
    pub fn of_this_thread() -> Self {
        // SAFETY: the calling thread exists; its port lives as long as it does.
        ThreadMeter { port: unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) } }
    }

    /// Its counters.
    pub fn usage(&self) -> Usage {
        unsafe extern "C" {
            fn thread_info(port: u32, flavor: i32, info: *mut i32, count: *mut u32) -> i32;
        }
        const THREAD_BASIC_INFO: i32 = 3;
        // User seconds and microseconds, system seconds and microseconds, then six numbers that are not needed.
        let mut info = [0_i32; 10];
        let mut count = info.len() as u32;
        // SAFETY: `info` has room for `count` numbers; a port of a thread that has ended is an error.
        let is_read =
            unsafe { thread_info(self.port, THREAD_BASIC_INFO, info.as_mut_ptr(), &raw mut count) }
                == 0;
        let [user_seconds, user_micros, system_seconds, system_micros, ..] = info;
        let part = |seconds: i32, micros: i32| {
            Duration::from_secs(seconds.max(0) as u64) + Duration::from_micros(micros.max(0) as u64)
        };
        let cpu = part(user_seconds, user_micros) + part(system_seconds, system_micros);
        Usage { cpu: is_read.then_some(cpu), run_delay: None }
    }

    /// Not told here.
    pub fn state(&self) -> ThreadState {
        ThreadState::Unknown
    }
}

/// Windows counts the time of a thread in ticks of its clock, up to 16 ms each: enough to tell computing from waiting. How
/// long a thread was ready without a processor it tells nobody.
#[cfg(windows)]
impl ThreadMeter {
    /// Of the calling thread.
    pub fn of_this_thread() -> Self {
        ThreadMeter { thread: windows::ThreadHandle::of_this_thread() }
    }

    /// Its counters.
    pub fn usage(&self) -> Usage {
        Usage { cpu: self.thread.cpu(), run_delay: None }
    }

    /// Not told here.
    pub fn state(&self) -> ThreadState {
        ThreadState::Unknown
    }
}

#[cfg(windows)]
mod windows {
    use std::{ffi::c_void, ptr::NonNull, time::Duration};

    use offloop::contain::contained;

    type Handle = *mut c_void;

    const THREAD_QUERY_LIMITED_INFORMATION: u32 = 0x0800;

    /// A number of 64 bits in two halves, as Windows writes times: in steps of 100 ns.
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct FileTime {
        low: u32,
        high: u32,
    }

    impl FileTime {
        fn nanos(self) -> u64 {
            ((u64::from(self.high) << 32) | u64::from(self.low)).saturating_mul(100)
        }
    }

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetCurrentThread() -> Handle;
        fn GetCurrentThreadId() -> u32;
        fn OpenThread(access: u32, is_inherited: i32, id: u32) -> Handle;
        fn CloseHandle(handle: Handle) -> i32;
        fn GetThreadTimes(
            thread: Handle,
            created: *mut FileTime,
            ended: *mut FileTime,
            kernel: *mut FileTime,
            user: *mut FileTime,
        ) -> i32;
    }

    /// What other threads know the thread by that made it; `None` where the system gave no handle.
    pub struct ThreadHandle(Option<NonNull<c_void>>);

    // SAFETY: a handle is a number of the process, which any of its threads may use; it is closed once, by `drop`.
    unsafe impl Send for ThreadHandle {}
    // SAFETY: as above, and nothing in it changes.
    unsafe impl Sync for ThreadHandle {}

    impl ThreadHandle {
        pub fn of_this_thread() -> Self {
            // SAFETY: takes no pointers; the calling thread exists.
            let handle =
                unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, GetCurrentThreadId()) };
            ThreadHandle(NonNull::new(handle))
        }

        /// Also of a thread that has ended: the handle keeps its counters.
        pub fn cpu(&self) -> Option<Duration> {
            cpu_of(self.0?.as_ptr())
        }
    }

    impl Drop for ThreadHandle {
        fn drop(&mut self) {
            contained((), || {
                let Some(handle) = self.0 else { return };
                // SAFETY: the handle is open, and this is the one place that closes it.
                unsafe { CloseHandle(handle.as_ptr()) };
            });
        }
    }

    pub fn own_cpu() -> Option<Duration> {
        // SAFETY: takes no pointers; the answer stands for the calling thread and needs no closing.
        cpu_of(unsafe { GetCurrentThread() })
    }

    fn cpu_of(thread: Handle) -> Option<Duration> {
        let [mut created, mut ended, mut kernel, mut user] = [FileTime::default(); 4];
        // SAFETY: four valid places to write to; a handle that is none is an error.
        let is_read = unsafe {
            GetThreadTimes(thread, &raw mut created, &raw mut ended, &raw mut kernel, &raw mut user)
        } != 0;
        let nanos = kernel.nanos().saturating_add(user.nanos());
        is_read.then(|| Duration::from_nanos(nanos))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
impl ThreadMeter {
    /// Of the calling thread.
    pub fn of_this_thread() -> Self {
        ThreadMeter {}
    }

    /// Not told here.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Not told here.
    pub fn state(&self) -> ThreadState {
        ThreadState::Unknown
    }
}

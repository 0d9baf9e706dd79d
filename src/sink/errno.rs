//! System errors in Node's words: owns the table errno → code, text and number as libuv has them.
//! It refuses to classify: what an error means for a batch is decided elsewhere.

use std::io;

/// A system error as Node names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Errno {
    /// `ECONNREFUSED`, …
    pub code: &'static str,
    /// libuv's text, used in file system errors (`ENOSPC: no space left on device, write`).
    pub text: &'static str,
    /// libuv's negative number on this system.
    pub number: i32,
}

impl Errno {
    /// The process or the machine has too little of something that comes back.
    pub(super) fn is_shortage(&self) -> bool {
        matches!(self.code, "EMFILE" | "ENFILE" | "ENOBUFS" | "ENOMEM" | "EAGAIN")
    }
}

/// One row: code, text, errno on Unix, libuv's number on Windows, Windows system codes that libuv maps here.
struct Row(&'static str, &'static str, i32, i32, &'static [i32]);

#[cfg(unix)]
use libc as system;

/// Windows has no errno of its own that a socket or file call would return: the rows match by system code.
#[cfg(not(unix))]
mod system {
    macro_rules! absent {
        ($($name:ident)*) => { $(pub const $name: i32 = i32::MIN;)* };
    }
    absent! { ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENETUNREACH ENETDOWN EHOSTUNREACH EADDRNOTAVAIL
    EADDRINUSE EAFNOSUPPORT ENOTCONN EPROTO ENOBUFS ENOMEM EINVAL EACCES EPERM ENOENT ENOTDIR EISDIR EEXIST EROFS ENOSPC
    EFBIG EIO EMFILE ENFILE ELOOP ENAMETOOLONG EBUSY ENXIO EBADF EDQUOT ESTALE }
}

const ROWS: &[Row] = &[
    Row("ECONNREFUSED", "connection refused", system::ECONNREFUSED, -4078, &[10061, 1225]),
    Row("ECONNRESET", "connection reset by peer", system::ECONNRESET, -4077, &[10054, 64]),
    Row(
        "ECONNABORTED",
        "software caused connection abort",
        system::ECONNABORTED,
        -4079,
        &[10053, 1236],
    ),
    Row("EPIPE", "broken pipe", system::EPIPE, -4047, &[109, 230, 232, 10058]),
    Row("ETIMEDOUT", "connection timed out", system::ETIMEDOUT, -4039, &[10060, 121, 1460]),
    Row("ENETUNREACH", "network is unreachable", system::ENETUNREACH, -4062, &[10051, 1231]),
    Row("ENETDOWN", "network is down", system::ENETDOWN, -4063, &[10050]),
    Row("EHOSTUNREACH", "host is unreachable", system::EHOSTUNREACH, -4073, &[10065, 1232]),
    Row("EADDRNOTAVAIL", "address not available", system::EADDRNOTAVAIL, -4090, &[10049]),
    Row("EADDRINUSE", "address already in use", system::EADDRINUSE, -4091, &[10048]),
    Row("EAFNOSUPPORT", "address family not supported", system::EAFNOSUPPORT, -4089, &[10047]),
    Row("ENOTCONN", "socket is not connected", system::ENOTCONN, -4053, &[10057]),
    Row("EPROTO", "protocol error", system::EPROTO, -4046, &[]),
    Row("ENOBUFS", "no buffer space available", system::ENOBUFS, -4060, &[10055]),
    Row("ENOMEM", "not enough memory", system::ENOMEM, -4057, &[8, 14]),
    Row("EINVAL", "invalid argument", system::EINVAL, -4071, &[87, 123, 10022]),
    Row("EACCES", "permission denied", system::EACCES, -4092, &[998, 10013]),
    Row("EPERM", "operation not permitted", system::EPERM, -4048, &[5, 1314]),
    Row("ENOENT", "no such file or directory", system::ENOENT, -4058, &[2, 3, 15, 53, 67, 161]),
    Row("ENOTDIR", "not a directory", system::ENOTDIR, -4052, &[267]),
    Row("EISDIR", "illegal operation on a directory", system::EISDIR, -4068, &[]),
    Row("EEXIST", "file already exists", system::EEXIST, -4075, &[80, 183]),
    Row("EROFS", "read-only file system", system::EROFS, -4043, &[19]),
    Row("ENOSPC", "no space left on device", system::ENOSPC, -4055, &[39, 112, 1129]),
    Row("EFBIG", "file too large", system::EFBIG, -4036, &[223]),
    Row("EIO", "i/o error", system::EIO, -4070, &[23, 1117]),
    Row("EMFILE", "too many open files", system::EMFILE, -4066, &[4, 10024]),
    Row("ENFILE", "file table overflow", system::ENFILE, -4061, &[]),
    Row("ELOOP", "too many symbolic links encountered", system::ELOOP, -4067, &[1921]),
    Row("ENAMETOOLONG", "name too long", system::ENAMETOOLONG, -4064, &[111, 206]),
    Row("EBUSY", "resource busy or locked", system::EBUSY, -4082, &[32, 33, 170]),
    Row("ENXIO", "no such device or address", system::ENXIO, -4033, &[]),
    Row("EBADF", "bad file descriptor", system::EBADF, -4083, &[6]),
    // libuv has no names for these two and prints "Unknown system error -122"; the POSIX name helps more.
    Row("EDQUOT", "disk quota exceeded", system::EDQUOT, -4094, &[1295]),
    Row("ESTALE", "stale file handle", system::ESTALE, -4094, &[]),
];

/// Node's view of `error`, if the system raised it and the table knows it.
pub(super) fn errno(error: &io::Error) -> Option<Errno> {
    let raw = error.raw_os_error()?;
    ROWS.iter().find(|row| if cfg!(windows) { row.4.contains(&raw) } else { row.2 == raw }).map(
        |row| Errno {
            code: row.0,
            text: row.1,
            number: if cfg!(windows) { row.3 } else { -row.2 },
        },
    )
}

/// libuv's number of a code of the table.
pub(super) fn number_of(code: &str) -> Option<i32> {
    ROWS.iter().find(|row| row.0 == code).map(|row| if cfg!(windows) { row.3 } else { -row.2 })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn system_errors_carry_libuvs_name_and_number() {
        let refused = errno(&io::Error::from_raw_os_error(libc::ECONNREFUSED)).unwrap();
        assert_eq!((refused.code, refused.number), ("ECONNREFUSED", -libc::ECONNREFUSED));
        let full = errno(&io::Error::from_raw_os_error(libc::ENOSPC)).unwrap();
        assert_eq!((full.code, full.text), ("ENOSPC", "no space left on device"));
        assert_eq!(errno(&io::Error::from_raw_os_error(99_999)), None);
        assert_eq!(errno(&io::Error::other("not from the system")), None);
    }

    #[test]
    fn no_row_appears_twice() {
        for (i, row) in ROWS.iter().enumerate() {
            assert!(
                ROWS[i + 1..].iter().all(|other| other.2 != row.2 && other.0 != row.0),
                "{}",
                row.0
            );
        }
    }
}

//! The one way to take a mutex. A panic of whoever held it before costs what that one was doing, and nobody who comes
//! afterwards.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the mutex, also after a panic under it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

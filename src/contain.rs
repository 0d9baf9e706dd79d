//! The wall that no panic passes: around everything that C calls, and around everything that a drop does.
//! It refuses to report: the caller says what the answer is when there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` answers, or `otherwise` if it panics. A panic that unwinds into C, or out of a drop while another panic
/// unwinds, would end the process of the application. `tests/conventions.rs` finds what is not inside of this.
pub fn contained<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_other_answer() {
        assert_eq!(contained(1, || 2), 2);
        assert_eq!(contained(1, || panic!("a test")), 1);
    }

    #[test]
    fn a_drop_may_panic_while_another_panic_unwinds() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                contained((), || panic!("in a drop"));
            }
        }
        let answer = contained("survived", || {
            let _guard = Panics;
            panic!("the first");
        });
        assert_eq!(answer, "survived");
    }
}

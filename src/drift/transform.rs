//! From a finished span to a clean one (tusk.md §4, §5).
//! It refuses to filter: library, size and blocked traces are decided before a span gets here.

use bumpalo::Bump;

use super::{
    clean_span::CleanSpan,
    input::Input,
    invalid::{Invalid, Part, Problem},
};

/// Transforms one span. Nothing is allocated outside `arena` but a few scratch vectors.
///
/// # Errors
/// The first part, in the recorder's order, that it would have thrown on.
pub fn transform<'a>(
    input: &Input<'a>,
    environment: Option<&'a str>,
    arena: &'a Bump,
) -> Result<CleanSpan<'a>, Invalid> {
    let _ = (input, environment, arena);
    Err(Invalid::new(Part::InputValue, Problem::Missing))
}

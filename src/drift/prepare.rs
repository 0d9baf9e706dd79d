//! What may change a span before it is transformed.
//! It refuses to know who that is.

use bumpalo::Bump;

use super::{clean_span::CleanSpan, input::Input, invalid::Invalid, transform::transform};

/// Changes spans on their way.
pub trait Prepare {
    /// What is transformed in the place of `input`; it may live in `arena`, as the clean span does.
    fn prepare<'s>(&'s self, input: Input<'s>, arena: &'s Bump) -> Input<'s>;
}

/// Transforms a span, prepared where somebody asks for that.
pub(super) fn transformed<'s>(
    input: &Input<'s>,
    environment: Option<&'s str>,
    arena: &'s Bump,
    prepare: Option<&'s dyn Prepare>,
) -> Result<CleanSpan<'s>, Invalid> {
    match prepare {
        None => transform(input, environment, arena),
        Some(prepare) => transform(&prepare.prepare(*input, arena), environment, arena),
    }
}

//! The questions that the engine answers itself, because they read files or go on for long; all others go to `questions`.

use std::path::Path;

use super::{code::code, details::span, refused::Refused};
use crate::{
    export::Export,
    questions::{Asked, Cache, Kind, Reply, answer, export},
};

/// An answer, or one that is written piece by piece.
pub(super) enum Answered {
    Whole(Reply),
    Long(Box<Export>),
}

/// Answers the question with this name. Code is read from `source`, if there is one.
pub(super) fn answer_to(
    question: &str,
    asked: &Asked<'_>,
    cache: &mut Cache,
    source: Option<&Path>,
) -> Answered {
    let generation = asked.reading.generation;
    let json = match question {
        "span" => span(asked.index, asked.with, generation),
        "source" => code(asked.index, asked.with, generation, source),
        "export" => {
            return match export(asked, cache) {
                Ok(export) => Answered::Long(Box::new(export)),
                Err(reply) => Answered::Whole(reply),
            };
        }
        _ => return Answered::Whole(answer(question, asked, cache)),
    };
    Answered::Whole(match json {
        Ok(json) => Reply { status: 200, kind: Kind::Json, body: json.into_text().into_bytes() },
        Err(Refused(reply)) => reply,
    })
}

//! What the answers of the engine have in common with those of `questions`: how they begin, and how a refusal looks.

use crate::{
    json::Json,
    questions::{Kind, Reply},
};

/// An object that begins with the generation.
pub(super) fn json(generation: u64) -> Json {
    let mut json = Json::default();
    json.object().name("generation").number(generation);
    json
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refused(pub Reply);

impl Refused {
    /// What is asked for is not there.
    pub fn unknown(error: &str) -> Refused {
        Refused::new(404, error)
    }

    pub fn new(status: u16, error: &str) -> Refused {
        let mut json = Json::default();
        json.object().name("error").text(error).end_object();
        Refused(Reply { status, kind: Kind::Json, body: json.into_text().into_bytes() })
    }
}

impl From<Reply> for Refused {
    fn from(reply: Reply) -> Refused {
        Refused(reply)
    }
}

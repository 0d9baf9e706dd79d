//! JSON for programs: the account of the files, in every answer.

use crate::{
    account::Skipped,
    index::{FileState, Index},
    terminal::json_text,
};

/// The members of an object.
#[derive(Default)]
pub(super) struct Members(String);

impl Members {
    pub fn raw(mut self, name: &str, value: impl AsRef<str>) -> Members {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&json_text(name));
        self.0.push(':');
        self.0.push_str(value.as_ref());
        self
    }

    pub fn number(self, name: &str, number: u64) -> Members {
        self.raw(name, number.to_string())
    }

    pub fn text(self, name: &str, text: &str) -> Members {
        self.raw(name, json_text(text))
    }

    pub fn object(self) -> String {
        format!("{{{}}}", self.0)
    }
}

pub(super) fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// The members that every answer has.
pub(super) fn account(index: &Index) -> Members {
    Members::default()
        .raw("files", array(index.files.iter().map(file)))
        .number("spans", index.span_count())
        .number("traces", index.trace_count())
        .number("valuesNotIndexed", index.values_left_out)
}

fn file(file: &FileState) -> String {
    let counts = &file.counts;
    let skipped = Skipped::ALL.iter().fold(Members::default(), |members, reason| {
        members.number(reason.code(), counts.skipped(*reason))
    });
    let members = Members::default()
        .text("name", &file.input.name())
        .number("bytes", file.bytes)
        .number("lines", counts.lines)
        .number("parsed", counts.parsed)
        .raw("skipped", skipped.object())
        .raw("tooLongAt", array(file.too_long.iter().map(u64::to_string)))
        .number("logs", counts.logs)
        .number("metrics", counts.metrics)
        .number("profiles", counts.profiles)
        .number("seen", counts.seen)
        .number("shown", file.shown)
        .number("duplicates", file.duplicates)
        .number("bad", counts.bad);
    match &file.failure {
        Some(failure) => members.text("failure", failure).object(),
        None => members.object(),
    }
}

//! What was read, and what of it is not shown: a few lines for people, beside the result.

use crate::{
    account::{LineCounts, Skipped},
    index::{FileState, Index},
    terminal::{bytes_text, count_text, shown},
};

/// Files with a failure that are named.
const MOST_FILES: usize = 10;

pub(super) struct Notice {
    pub text: String,
    pub is_anything_skipped: bool,
}

impl Index {
    /// The account of all files together.
    pub(super) fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        self.files.iter().for_each(|file| counts.add(&file.counts));
        counts
    }
}

pub(super) fn notice(index: &Index) -> Notice {
    let counts = index.counts();
    let failed: Vec<&FileState> =
        index.files.iter().filter(|file| file.failure.is_some()).collect();
    let bytes = index.files.iter().map(|file| file.bytes).sum();
    let mut text = format!(
        "{}, {}: {} in {}\n",
        counted(index.files.len() as u64, "file"),
        bytes_text(bytes),
        counted(index.span_count(), "span"),
        counted(index.trace_count(), "trace"),
    );
    for file in failed.iter().take(MOST_FILES) {
        let failure = file.failure.as_deref().unwrap_or_default();
        text.push_str(&format!("{} {}\n", shown(&file.input.name()), failure));
    }
    if failed.len() > MOST_FILES {
        text.push_str(&format!(
            "{} more cannot be read, or not to their end\n",
            failed.len() - MOST_FILES
        ));
    }
    if counts.skipped_lines() > 0 {
        let reasons = Skipped::ALL.iter().filter(|reason| counts.skipped(**reason) > 0);
        let reasons: Vec<String> = reasons
            .map(|reason| format!("{} {}", count_text(counts.skipped(*reason)), reason.words()))
            .collect();
        let lines = counted(counts.skipped_lines(), "line");
        text.push_str(&format!("{lines} skipped: {}\n", reasons.join(", ")));
    }
    for file in &index.files {
        for offset in &file.too_long {
            let name = shown(&file.input.name());
            text.push_str(&format!(
                "{name}: the line at byte {} is too long\n",
                count_text(*offset)
            ));
        }
    }
    if counts.bad > 0 {
        text.push_str(&format!("{} cannot be read\n", counted(counts.bad, "span")));
    }
    let duplicates = index.files.iter().map(|file| file.duplicates).sum();
    if duplicates > 0 {
        text.push_str(&format!(
            "{} of spans that are there already\n",
            counted(duplicates, "copy")
        ));
    }
    if index.values_left_out > 0 {
        let values = counted(index.values_left_out, "value");
        text.push_str(&format!("{values} not indexed: --max-memory is nearly used up\n"));
    }
    let is_anything_skipped = counts.skipped_lines() > 0
        || counts.bad > 0
        || !failed.is_empty()
        || index.values_left_out > 0;
    Notice { text, is_anything_skipped }
}

/// A number and what is counted.
pub(super) fn counted(count: u64, what: &str) -> String {
    let word = match (count, what.strip_suffix('y')) {
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        _ => format!("{what}s"),
    };
    format!("{} {word}", count_text(count))
}

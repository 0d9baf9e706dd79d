//! `source`: the lines of code around the one that a span names. Owns which files may be shown: those below the directory of
//! `--source`, and no way out of it.

use std::{
    fs::{self, File, Metadata},
    io::Read,
    path::{Component, Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use super::refused::{Refused, json};
use crate::{
    index::{Identity, Index},
    json::Json,
    questions::Parameters,
};

/// Bytes of the longest file that is shown.
const LONGEST: u64 = 2 << 20;
/// Lines before and behind the one in question.
const AROUND: usize = 5;
/// Bytes of a line that are shown.
const LONGEST_LINE: usize = 1000;

pub(super) fn code(
    index: &Index,
    with: &Parameters,
    generation: u64,
    source: Option<&Path>,
) -> Result<Json, Refused> {
    let row = with.row().map_err(|refusal| Refused::from(refusal.reply()))?;
    let Some(directory) = source else {
        return Err(Refused::unknown("code is shown with --source only"));
    };
    let Some(span) = index.span(row) else {
        return Err(Refused::unknown("there is no such span in these files"));
    };
    let text = |key| index.attribute(row, key).map_or_else(String::new, |value| value.to_string());
    let name = text("code.file.path");
    let line: usize = text("code.line.number").parse().unwrap_or(0);
    if name.is_empty() || line == 0 {
        return Err(Refused::unknown("the span names no line of code"));
    }
    let (content, metadata) = read(directory, &name)?;
    let from = line.saturating_sub(AROUND).max(1);
    let lines: Vec<&str> = content.lines().skip(from - 1).take(line + AROUND + 1 - from).collect();
    if line >= from + lines.len() {
        return Err(Refused::unknown("the file has fewer lines"));
    }
    let mut json = json(generation);
    json.name("file").text(&name).name("line").number(line as u64);
    json.name("from").number(from as u64).name("lines").array();
    for line in lines {
        json.text(&line.chars().take(LONGEST_LINE).collect::<String>());
    }
    let end = UNIX_EPOCH + Duration::from_nanos(span.end());
    let is_newer = metadata.modified().is_ok_and(|modified| modified > end);
    json.end_array().name("isChangedSince").flag(is_newer).end_object();
    Ok(json)
}

/// The text of a file below `directory`.
fn read(directory: &Path, name: &str) -> Result<(String, Metadata), Refused> {
    let unreadable = || Refused::unknown("the file is not in the directory of --source");
    let name = PathBuf::from(name.strip_prefix("file://").unwrap_or(name));
    if name.components().any(|component| component == Component::ParentDir) {
        return Err(unreadable());
    }
    let directory = fs::canonicalize(directory).map_err(|_| unreadable())?;
    let path = fs::canonicalize(directory.join(name)).map_err(|_| unreadable())?;
    if !path.starts_with(&directory) {
        return Err(unreadable());
    }
    let is_readable = |metadata: &Metadata| metadata.is_file() && metadata.len() <= LONGEST;
    // Opening a pipe would wait for somebody who writes to it.
    let before = fs::metadata(&path).ok().filter(is_readable);
    let Some(before) = before else {
        return Err(Refused::unknown("only files of up to 2 MiB are shown"));
    };
    let file = File::open(&path).map_err(|_| unreadable())?;
    let metadata = file.metadata().map_err(|_| unreadable())?;
    if !is_readable(&metadata) || Identity::of(&metadata) != Identity::of(&before) {
        return Err(unreadable());
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(|_| unreadable())?;
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok((text, metadata)),
        _ => Err(Refused::unknown("the file is no text")),
    }
}

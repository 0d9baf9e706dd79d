//! Which files are read: owns what a path on the command line stands for.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::sorted::sort_by;

/// Where spans come from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Input {
    File(PathBuf),
    StandardInput,
}

impl Input {
    /// The name that people know it by.
    pub fn name(&self) -> String {
        match self {
            Input::File(path) => path.display().to_string(),
            Input::StandardInput => "standard input".into(),
        }
    }
}

/// What paths lead to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub inputs: Vec<Input>,
    /// Paths that lead nowhere, and why.
    pub failures: Vec<(PathBuf, io::Error)>,
    /// Directories that were looked into.
    pub directories: Vec<PathBuf>,
}

/// Files, directories, and `-` for standard input, in the order given. Without any, `spans` if it is there, else the
/// current directory.
pub(crate) fn discover(paths: &[PathBuf], is_recursive: bool) -> Found {
    let fallback = [PathBuf::from("spans")];
    let current = [PathBuf::from(".")];
    let paths = match paths {
        [] if fallback[0].is_dir() => &fallback[..],
        [] => &current[..],
        _ => paths,
    };
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.inputs.push(Input::StandardInput);
            continue;
        }
        match fs::metadata(path) {
            Err(error) => found.failures.push((path.clone(), error)),
            Ok(metadata) if metadata.is_dir() => found.directory(path, is_recursive),
            Ok(_) => found.inputs.push(Input::File(path.clone())),
        }
    }
    let mut seen = HashSet::new();
    found.inputs.retain(|input| seen.insert(input.clone()));
    found
}

impl Found {
    /// Its files by name, and then those of its subdirectories.
    fn directory(&mut self, directory: &Path, is_recursive: bool) {
        self.directories.push(directory.to_owned());
        let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.failures.push((directory.to_owned(), error)),
        };
        sort_by(&mut entries, |one, other| one.file_name().cmp(&other.file_name()));
        let mut inner = Vec::new();
        for entry in entries {
            let path = entry.path();
            // A link to a directory could lead back here; a link to a file is what a log shipper may have made.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && !is_link => inner.push(path),
                Ok(metadata) if metadata.is_file() && has_span_name(&path) => {
                    self.inputs.push(Input::File(path));
                }
                Ok(_) => {}
                Err(error) if has_span_name(&path) => self.failures.push((path, error)),
                Err(_) => {}
            }
        }
        if is_recursive {
            for directory in inner {
                self.directory(&directory, true);
            }
        }
    }
}

/// Whether a file of a directory is one to read.
fn has_span_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending))
}

//! Places in a JSON document as rules name them: `$.user.email`, `*`, `[*]`, `**.password`.
//! It refuses indices and filters.

/// One step of a path.
#[derive(Debug)]
enum Step {
    /// A member of this name.
    Key(Box<[u8]>),
    /// Any member.
    AnyKey,
    /// Any element.
    AnyElement,
    /// Any number of members and elements.
    Deep,
}

/// The path of one rule.
#[derive(Debug)]
struct Path(Vec<Step>);

/// How far each path has come at one value, as bits: bit `n` says that `n` steps are done.
pub(super) type Progress = u32;

/// Steps that fit into the bits, the end included.
const MOST_STEPS: usize = 30;

/// Paths of one kind.
#[derive(Debug, Default)]
pub(super) struct Paths(Vec<Path>);

impl Paths {
    /// `None`: one of them is no path.
    pub(super) fn new<'w>(texts: impl IntoIterator<Item = &'w str>) -> Option<Paths> {
        texts.into_iter().map(path).collect::<Option<_>>().map(Paths)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The progress of path `index` at the root.
    pub(super) fn start(&self, index: usize) -> Progress {
        self.0.get(index).map_or(0, |path| path.rest(1))
    }

    /// The progress at a member called `key`, or at an element.
    pub(super) fn step(&self, index: usize, from: Progress, key: Option<&[u8]>) -> Progress {
        if from == 0 {
            return 0;
        }
        self.0.get(index).map_or(0, |path| path.step(from, key))
    }

    /// Whether the path ends here.
    pub(super) fn is_end(&self, index: usize, progress: Progress) -> bool {
        self.0.get(index).is_some_and(|path| progress >> path.0.len() & 1 == 1)
    }
}

impl Path {
    /// Passes steps that need nothing.
    fn rest(&self, mut progress: Progress) -> Progress {
        for (at, step) in self.0.iter().enumerate() {
            if progress >> at & 1 == 1 && matches!(step, Step::Deep) {
                progress |= 1 << (at + 1);
            }
        }
        progress
    }

    fn step(&self, from: Progress, key: Option<&[u8]>) -> Progress {
        let mut to = 0;
        for (at, step) in self.0.iter().enumerate() {
            if from >> at & 1 == 0 {
                continue;
            }
            match (step, key) {
                (Step::Deep, _) => to |= 1 << at,
                (Step::Key(wanted), Some(key)) if **wanted == *key => to |= 1 << (at + 1),
                (Step::AnyKey, Some(_)) | (Step::AnyElement, None) => to |= 1 << (at + 1),
                _ => {}
            }
        }
        self.rest(to)
    }
}

/// `$` in front may be absent; so may be the dot of the first step.
fn path(text: &str) -> Option<Path> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut steps = Vec::new();
    let mut is_first = true;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("[*]") {
            steps.push(Step::AnyElement);
            rest = behind;
        } else {
            rest = match rest.strip_prefix('.') {
                Some(behind) => behind,
                None if is_first => rest,
                None => return None,
            };
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(end)?;
            steps.push(match name {
                "" => return None,
                "*" => Step::AnyKey,
                "**" => Step::Deep,
                name => Step::Key(name.as_bytes().into()),
            });
            rest = behind;
        }
        is_first = false;
    }
    (steps.len() <= MOST_STEPS).then_some(Path(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(path: &str, keys: &[Option<&str>]) -> bool {
        let paths = Paths::new([path]).unwrap();
        let start = paths.start(0);
        let end = keys.iter().fold(start, |at, key| paths.step(0, at, key.map(str::as_bytes)));
        paths.is_end(0, end)
    }

    #[test]
    fn p48_paths_name_members_elements_and_any_depth() {
        let (user, email, list) = (Some("user"), Some("email"), Some("list"));
        for (path, keys, expected) in [
            ("$.user.email", &[user, email][..], true),
            ("user.email", &[user, email], true),
            ("$.user.email", &[email], false),
            ("$.user.email", &[user, email, email], false),
            ("$.*.email", &[list, email], true),
            ("$.*.email", &[None, email], false),
            ("$.list[*].email", &[list, None, email], true),
            ("$[*]", &[None], true),
            ("**.email", &[email], true),
            ("**.email", &[user, None, list, email], true),
            ("**.email", &[email, user], false),
            ("$.user.**", &[user], true),
            ("$.user.**", &[user, None, list], true),
            ("$.user.**.email", &[user, list, email], true),
            ("$", &[], true),
        ] {
            assert_eq!(reaches(path, keys), expected, "{path} {keys:?}");
        }
        for wrong in ["$..a", "a..b", "a[0]", "a[*]b", "a.", &"a.".repeat(40)] {
            assert!(Paths::new([wrong]).is_none(), "{wrong}");
        }
    }
}

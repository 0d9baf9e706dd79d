//! Places in a JSON document as rules name them: `$.user.email`, `*`, `[*]`, `**.password`.
//! It refuses indices and filters.

use std::ops::Range;

/// What happens to the values that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Mask = 1,
    Hash = 2,
    Keep = 4,
}

/// The kinds of the paths that name a value, or a container that it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named(u8);

impl Named {
    pub(super) fn with(self, other: Named) -> Named {
        Named(self.0 | other.0)
    }

    fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    pub(super) fn is_masked(self) -> bool {
        self.has(Kind::Mask)
    }

    pub(super) fn is_hashed(self) -> bool {
        self.has(Kind::Hash)
    }

    /// A list of what stays does not mask it.
    pub(super) fn is_spared(self) -> bool {
        self.has(Kind::Keep) || self.has(Kind::Hash)
    }

    pub(super) fn takes_containers(self) -> bool {
        self.is_masked() || self.is_hashed()
    }
}

/// Steps of a path, as bits: bit `n` says that the next step is number `n`, or that the path ends.
type Steps = u32;

/// Steps that fit into the bits, the end included.
const MOST_STEPS: usize = 30;

/// One path. What a step takes is told by the set that it is in.
#[derive(Debug)]
struct Path {
    kind: Kind,
    /// By step, the member that it takes.
    keys: Vec<Box<[u8]>>,
    of_key: Steps,
    any_key: Steps,
    any_element: Steps,
    /// Any number of members and elements.
    deep: Steps,
    end: Steps,
}

/// How far one path has come at a value; a path that leads nowhere from there has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    path: u32,
    steps: Steps,
}

/// The paths of one rule.
#[derive(Debug, Default)]
pub(super) struct Paths(Vec<Path>);

impl Paths {
    /// `None`: it is no path.
    pub(super) fn add(&mut self, kind: Kind, text: &str) -> Option<()> {
        self.0.push(path(kind, text)?);
        Some(())
    }

    pub(super) fn has_tokens(&self) -> bool {
        self.0.iter().any(|path| path.kind == Kind::Hash)
    }

    /// Appends the progress at the root.
    pub(super) fn start(&self, progress: &mut Vec<Progress>) -> Named {
        let mut named = Named::default();
        for (index, path) in (0..).zip(&self.0) {
            path.arrive(index, 1, progress, &mut named);
        }
        named
    }

    /// Appends the progress at a member called `key`, or at an element, of the container with the progress `from`.
    pub(super) fn step(
        &self,
        progress: &mut Vec<Progress>,
        from: Range<usize>,
        key: Option<&[u8]>,
    ) -> Named {
        let mut named = Named::default();
        for at in from {
            let Some(&Progress { path: index, steps }) = progress.get(at) else { break };
            let Some(path) = self.0.get(index as usize) else { break };
            let to = path.step(steps, key);
            if to != 0 {
                path.arrive(index, to, progress, &mut named);
            }
        }
        named
    }
}

impl Path {
    fn step(&self, from: Steps, key: Option<&[u8]>) -> Steps {
        let stays = from & self.deep;
        let Some(key) = key else { return stays | (from & self.any_element) << 1 };
        let mut passed = from & self.any_key;
        let mut asked = from & self.of_key;
        while asked != 0 {
            let at = asked.trailing_zeros();
            asked &= asked - 1;
            if self.keys.get(at as usize).is_some_and(|wanted| **wanted == *key) {
                passed |= 1 << at;
            }
        }
        stays | passed << 1
    }

    /// Passes steps that need nothing, and notes what is left.
    fn arrive(
        &self,
        index: u32,
        mut steps: Steps,
        progress: &mut Vec<Progress>,
        named: &mut Named,
    ) {
        loop {
            let further = steps | (steps & self.deep) << 1;
            if further == steps {
                break;
            }
            steps = further;
        }
        if steps & self.end != 0 {
            *named = named.with(Named(self.kind as u8));
        }
        if steps & !self.end != 0 {
            progress.push(Progress { path: index, steps });
        }
    }

    fn add(&mut self, name: &str) -> Option<()> {
        let bit = self.end;
        let (set, key) = match name {
            "" => return None,
            "[*]" => (&mut self.any_element, ""),
            "*" => (&mut self.any_key, ""),
            "**" => (&mut self.deep, ""),
            key => (&mut self.of_key, key),
        };
        *set |= bit;
        self.keys.push(key.as_bytes().into());
        self.end = bit << 1;
        (self.keys.len() <= MOST_STEPS).then_some(())
    }
}

/// `$` in front may be absent; so may be the dot of the first step.
fn path(kind: Kind, text: &str) -> Option<Path> {
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut path =
        Path { kind, keys: Vec::new(), of_key: 0, any_key: 0, any_element: 0, deep: 0, end: 1 };
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("[*]") {
            path.add("[*]")?;
            rest = behind;
            continue;
        }
        rest = match rest.strip_prefix('.') {
            Some(behind) => behind,
            None if path.keys.is_empty() => rest,
            None => return None,
        };
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at_checked(end)?;
        path.add(name)?;
        rest = behind;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(path: &str, keys: &[Option<&str>]) -> bool {
        let mut paths = Paths::default();
        paths.add(Kind::Mask, path).unwrap();
        let mut progress = Vec::new();
        let mut named = paths.start(&mut progress);
        for key in keys {
            let count = progress.len();
            named = paths.step(&mut progress, 0..count, key.map(str::as_bytes));
            progress.drain(..count);
        }
        named.is_masked()
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
            assert!(Paths::default().add(Kind::Mask, wrong).is_none(), "{wrong}");
        }
    }
}

//! Masks values inside a text of JSON: one pass, no tree, no recursion beyond a document inside a string.
//! It refuses to repair: behind the first wrong byte everything is the marker.

mod document;
mod path;
mod scalar;
mod text;

use self::{
    document::Document,
    path::{Kind, Paths},
};

/// What a rule asks of such a text.
#[derive(Debug)]
pub(super) struct JsonRule {
    paths: Paths,
    /// Every scalar that no path names becomes the marker.
    masks_others: bool,
    /// Numbers become 0, booleans `false`, and containers are entered.
    keep_type: bool,
}

impl JsonRule {
    /// Values under `mask` become the marker, under `hash` tokens; with `keep` all scalars do that nothing names.
    /// `None`: one of them is no path.
    pub(super) fn new(
        mask: &[&str],
        hash: &[&str],
        keep: Option<&[&str]>,
        keep_type: bool,
    ) -> Option<JsonRule> {
        let mut paths = Paths::default();
        let lists =
            [(Kind::Mask, mask), (Kind::Hash, hash), (Kind::Keep, keep.unwrap_or_default())];
        for (kind, list) in lists {
            list.iter().try_for_each(|text| paths.add(kind, text))?;
        }
        Some(JsonRule { paths, masks_others: keep.is_some(), keep_type })
    }

    /// Whether it needs a key.
    pub(super) fn makes_tokens(&self) -> bool {
        self.paths.has_tokens()
    }
}

/// What happens to the leaves: the rest of the redaction.
pub(super) trait Leaves {
    /// What a masked value becomes.
    fn marker(&self) -> &[u8];
    /// Appends the token of a value.
    fn token(&mut self, value: &[u8], out: &mut Vec<u8>);
    /// Whether `patterns` may find anything.
    fn is_searching(&self) -> bool;
    /// A text, a number or a key that stays: `out` gets what it becomes, if that is something else.
    fn patterns(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool;
    /// The rule has taken a value.
    fn hit(&mut self);
}

/// What has become of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masked {
    /// Nothing in it was to be masked.
    Unchanged,
    /// It is in the output, as valid as before.
    Changed,
    /// It is no JSON to its end; what was read is in the output, masked, and then the marker.
    Broken,
    /// It is nested too deeply: as above.
    TooDeep,
}

/// Writes `text` to `out` as `rule` asks, if that is not the text itself.
pub(super) fn mask(
    text: &[u8],
    rule: &JsonRule,
    leaves: &mut dyn Leaves,
    out: &mut Vec<u8>,
) -> Masked {
    let mut progress = Vec::new();
    let named = rule.paths.start(&mut progress);
    Document::new(text, rule, leaves, out, 1, progress).mask(named)
}

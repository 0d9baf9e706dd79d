//! Keys and values by number, each held once. A parser has a small dictionary for what it parses, the index the large one.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::value::Value;

/// Number of a value in its dictionary.
pub(crate) type ValueId = u32;

/// Different values in a mebibyte of usual spans.
const PART_VALUES: usize = 3 << 10;

#[derive(Debug)]
struct Entry {
    /// Where the form of the value ends; it begins where that of the one before ends.
    end: u64,
    hash: u64,
}

/// Hashed with a random key, as texts come from files that anybody may have written.
#[derive(Debug)]
pub(crate) struct Dictionary {
    forms: Vec<u8>,
    entries: Vec<Entry>,
    table: HashTable<ValueId>,
    key: RandomState,
}

impl Dictionary {
    /// `key` has to be the same for dictionaries that are merged.
    pub fn new(key: RandomState) -> Dictionary {
        Dictionary { forms: Vec::new(), entries: Vec::new(), table: HashTable::new(), key }
    }

    /// One for what a parser finds in a mebibyte, which does not have to grow for that.
    pub fn for_a_part(key: RandomState) -> Dictionary {
        Dictionary {
            entries: Vec::with_capacity(PART_VALUES),
            table: HashTable::with_capacity(PART_VALUES),
            ..Dictionary::new(key)
        }
    }

    /// For dictionaries that will be merged with this one.
    pub fn key(&self) -> &RandomState {
        &self.key
    }

    /// The number of a value, which is added if it is new.
    #[inline]
    pub fn intern(&mut self, value: Value<'_>) -> ValueId {
        value.encode(|tag, bytes| {
            let hash = self.hash(tag, bytes);
            self.find(hash, tag, bytes).unwrap_or_else(|| self.add(hash, tag, bytes))
        })
    }

    /// The number of a text. If it is longer than `longest`, all but its length, hash and start is left out.
    #[inline]
    pub fn intern_text(&mut self, text: &str, longest: usize) -> ValueId {
        if text.len() <= longest {
            return self.intern(Value::Text(text));
        }
        self.intern(Value::long(text, self.hash_of_text(text)))
    }

    /// The number of a value that is there already.
    pub fn lookup(&self, value: Value<'_>) -> Option<ValueId> {
        value.encode(|tag, bytes| self.find(self.hash(tag, bytes), tag, bytes))
    }

    /// What a long text is known by.
    pub fn hash_of_text(&self, text: &str) -> u64 {
        self.key.hash_one(text)
    }

    pub fn value(&self, id: ValueId) -> Value<'_> {
        Value::decode(self.form(id)).unwrap_or(Value::Empty)
    }

    /// The text of a key, a name or a value; empty if it is no text.
    pub fn text(&self, id: ValueId) -> &str {
        match self.value(id) {
            Value::Text(text) | Value::EventKey(text) | Value::Long { start: text, .. } => text,
            _ => "",
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that are in use. What is only reserved is no memory yet.
    pub fn memory(&self) -> u64 {
        let entries = self.entries.len() * size_of::<Entry>();
        let table = self.table.len() * 2 * size_of::<ValueId>();
        (self.forms.len() + entries + table) as u64
    }

    /// The number that the value `id` of `other` has here, if it has one.
    pub fn lookup_in(&self, other: &Dictionary, id: ValueId) -> Option<ValueId> {
        let hash = other.entries.get(id as usize)?.hash;
        let (tag, bytes) = other.form(id).split_first()?;
        self.find(hash, *tag, bytes)
    }

    /// The number of the value `id` of `other`, which is added if it is new.
    pub fn adopt(&mut self, other: &Dictionary, id: ValueId) -> ValueId {
        let Some(hash) = other.entries.get(id as usize).map(|entry| entry.hash) else {
            return self.intern(Value::Empty);
        };
        match other.form(id).split_first() {
            Some((tag, bytes)) => {
                self.find(hash, *tag, bytes).unwrap_or_else(|| self.add(hash, *tag, bytes))
            }
            None => self.intern(Value::Empty),
        }
    }

    #[inline]
    fn hash(&self, tag: u8, bytes: &[u8]) -> u64 {
        let mut hasher = self.key.build_hasher();
        hasher.write(bytes);
        hasher.write_u8(tag);
        hasher.finish()
    }

    #[inline]
    fn find(&self, hash: u64, tag: u8, bytes: &[u8]) -> Option<ValueId> {
        let is_it = |id: &ValueId| {
            let form = self.form(*id);
            form.len() == bytes.len() + 1 && form.first() == Some(&tag) && form.ends_with(bytes)
        };
        self.table.find(hash, is_it).copied()
    }

    fn add(&mut self, hash: u64, tag: u8, bytes: &[u8]) -> ValueId {
        let id = self.entries.len() as ValueId;
        self.forms.push(tag);
        self.forms.extend_from_slice(bytes);
        self.entries.push(Entry { end: self.forms.len() as u64, hash });
        let entries = &self.entries;
        let hash_of = |id: &ValueId| entries.get(*id as usize).map_or(0, |entry| entry.hash);
        self.table.insert_unique(hash, id, hash_of);
        id
    }

    #[inline]
    fn form(&self, id: ValueId) -> &[u8] {
        let at = id as usize;
        let start = at
            .checked_sub(1)
            .and_then(|before| self.entries.get(before))
            .map_or(0, |entry| entry.end);
        let end = self.entries.get(at).map_or(0, |entry| entry.end);
        self.forms.get(start as usize..end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_number_here_and_another_elsewhere() {
        let key = RandomState::default();
        let mut small = Dictionary::new(key.clone());
        let mut large = Dictionary::new(key);
        let five = large.intern(Value::Int(5));
        let text = small.intern(Value::Text("5"));
        assert_eq!(small.intern(Value::Text("5")), text);
        assert_ne!(small.intern(Value::EventKey("5")), text);
        assert_eq!(large.lookup_in(&small, text), None);
        let adopted = large.adopt(&small, text);
        assert_ne!(adopted, five);
        assert_eq!(large.adopt(&small, text), adopted);
        assert_eq!(large.lookup_in(&small, text), Some(adopted));
        assert_eq!(large.value(adopted), Value::Text("5"));
        assert_eq!(large.lookup(Value::Int(5)), Some(five));
        assert_eq!((small.len(), large.len()), (2, 2));
    }

    #[test]
    fn v30_a_long_text_is_one_value_of_a_few_bytes() {
        let mut dictionary = Dictionary::new(RandomState::default());
        let text = "x".repeat(45_000);
        let id = dictionary.intern_text(&text, 256);
        assert_eq!(dictionary.intern_text(&text, 256), id);
        let other = text.clone() + "y";
        assert_ne!(dictionary.intern_text(&other, 256), id);
        let hash = dictionary.hash_of_text(&text);
        assert_eq!(dictionary.value(id), Value::Long { bytes: 45_000, hash, start: &text[..64] });
        assert!(dictionary.memory() < 1_000, "{}", dictionary.memory());
    }

    #[test]
    fn v33_every_dictionary_of_another_key_hashes_differently() {
        let hashes: Vec<u64> = (0..8)
            .map(|_| Dictionary::new(RandomState::default()).hash_of_text("service.name"))
            .collect();
        assert!(hashes.iter().any(|hash| Some(hash) != hashes.first()), "{hashes:?}");
    }
}

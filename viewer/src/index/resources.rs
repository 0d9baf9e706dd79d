//! Resources by number: those with equal attributes are one, in whatever order they were written.

use std::{collections::HashMap, sync::Arc};

use foldhash::quality::RandomState;

use super::columns::Attribute;
use crate::sorted::sort_by_key;

#[derive(Debug)]
pub(super) struct Resources {
    all: Vec<Arc<[Attribute]>>,
    numbers: HashMap<Arc<[Attribute]>, u32, RandomState>,
    attributes: usize,
}

impl Resources {
    pub fn new(key: &RandomState) -> Resources {
        Resources { all: Vec::new(), numbers: HashMap::with_hasher(key.clone()), attributes: 0 }
    }

    pub fn intern(&mut self, mut attributes: Vec<Attribute>) -> u32 {
        sort_by_key(&mut attributes, |each| (each.key.into(), each.value.into()));
        if let Some(number) = self.numbers.get(attributes.as_slice()) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.attributes += attributes.len();
        let shared: Arc<[Attribute]> = attributes.into();
        self.all.push(Arc::clone(&shared));
        self.numbers.insert(shared, number);
        number
    }

    pub fn get(&self, number: u32) -> &[Attribute] {
        self.all.get(number as usize).map_or(&[], |attributes| attributes)
    }

    /// Gives all attributes other numbers.
    pub fn renumber(&mut self, mut renumber: impl FnMut(&mut Attribute)) {
        self.numbers.clear();
        for (resource, number) in self.all.iter_mut().zip(0..) {
            let mut attributes = resource.to_vec();
            attributes.iter_mut().for_each(&mut renumber);
            sort_by_key(&mut attributes, |each| (each.key.into(), each.value.into()));
            *resource = attributes.into();
            self.numbers.insert(Arc::clone(resource), number);
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn memory(&self) -> u64 {
        (self.all.len() * 96 + self.attributes * size_of::<Attribute>()) as u64
    }
}

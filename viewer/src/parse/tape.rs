//! Walking over a tape of simd-json. Every step is checked, so a tape that is not what it says ends a walk early.

use simd_json::{Node, StaticNode};

/// A value: its node and the nodes inside it.
#[derive(Clone, Copy)]
pub(crate) struct Item<'t, 'l>(&'t [Node<'l>]);

impl<'t, 'l> Item<'t, 'l> {
    pub fn new(nodes: &'t [Node<'l>]) -> Item<'t, 'l> {
        Item(nodes)
    }

    pub fn text(self) -> Option<&'l str> {
        match self.0.first() {
            Some(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn scalar(self) -> Option<StaticNode> {
        match self.0.first() {
            Some(Node::Static(node)) => Some(*node),
            _ => None,
        }
    }

    pub fn is_object(self) -> bool {
        matches!(self.0.first(), Some(Node::Object { .. }))
    }

    /// The members of an object, in their order; none of anything else.
    pub fn members(self) -> Members<'t, 'l> {
        Members(if self.is_object() { self.0.get(1..).unwrap_or_default() } else { &[] })
    }

    /// The elements of an array; none of anything else.
    pub fn elements(self) -> Elements<'t, 'l> {
        let is_array = matches!(self.0.first(), Some(Node::Array { .. }));
        Elements(if is_array { self.0.get(1..).unwrap_or_default() } else { &[] })
    }
}

/// Splits the first value off.
fn first<'t, 'l>(nodes: &'t [Node<'l>]) -> Option<(Item<'t, 'l>, &'t [Node<'l>])> {
    let size = match nodes.first()? {
        Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
        _ => 1,
    };
    let (item, rest) = nodes.split_at_checked(size)?;
    Some((Item(item), rest))
}

pub(crate) struct Members<'t, 'l>(&'t [Node<'l>]);

impl<'t, 'l> Iterator for Members<'t, 'l> {
    type Item = (&'l str, Item<'t, 'l>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = first(self.0)?;
        let (value, rest) = first(rest)?;
        self.0 = rest;
        Some((key.text()?, value))
    }
}

pub(crate) struct Elements<'t, 'l>(&'t [Node<'l>]);

impl<'t, 'l> Iterator for Elements<'t, 'l> {
    type Item = Item<'t, 'l>;

    fn next(&mut self) -> Option<Item<'t, 'l>> {
        let (item, rest) = first(self.0)?;
        self.0 = rest;
        Some(item)
    }
}

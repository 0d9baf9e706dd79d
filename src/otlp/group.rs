//! Groups spans by resource and scope, first seen first (O50).
//! It refuses to know a wire format beyond the two rules of what makes scopes equal.

use std::collections::HashMap;

use crate::span::{Scope, SpanBatch};

/// Spans of one resource.
pub(super) struct ResourceGroup {
    /// Index into [`SpanBatch::resources`].
    pub resource: usize,
    /// Its scopes.
    pub scopes: Vec<ScopeGroup>,
}

/// Spans of one scope within a resource.
pub(super) struct ScopeGroup {
    /// Index into [`SpanBatch::scopes`]: the scope of the group's first span.
    pub scope: usize,
    /// Indices into [`SpanBatch::spans`], in order.
    pub spans: Vec<usize>,
}

/// Scope objects are different although they say the same (protobuf since 0.217).
pub(super) fn by_identity(batch: &SpanBatch<'_>) -> Vec<ResourceGroup> {
    group(batch, &(0..batch.scopes.len()).collect::<Vec<_>>())
}

/// Scopes with equal `name@version:schemaUrl` are one (JSON).
pub(super) fn by_value(batch: &SpanBatch<'_>) -> Vec<ResourceGroup> {
    let mut seen = HashMap::new();
    let scopes = batch.scopes.iter().enumerate();
    group(
        batch,
        &scopes
            .map(|(index, scope)| *seen.entry(scope_key(scope)).or_insert(index))
            .collect::<Vec<_>>(),
    )
}

fn scope_key(scope: &Scope<'_>) -> Vec<u8> {
    let bytes = |text: Option<crate::span::Text<'_>>, absent: &'static [u8]| match text {
        Some(text) => text.bytes.to_vec(),
        None => absent.to_vec(),
    };
    let mut key = bytes(scope.name, b"undefined");
    key.push(b'@');
    key.extend(bytes(scope.version, b""));
    key.push(b':');
    key.extend(bytes(scope.schema_url, b""));
    key
}

/// `same[i]`: the first scope that scope `i` is grouped with.
fn group(batch: &SpanBatch<'_>, same: &[usize]) -> Vec<ResourceGroup> {
    let mut groups: Vec<ResourceGroup> = Vec::new();
    let mut resource_groups = HashMap::new();
    let mut scope_groups = HashMap::new();
    let mut last = None;
    for (index, span) in batch.spans.iter().enumerate() {
        let resource = span.resource as usize;
        let key = (resource, same.get(span.scope as usize).copied().unwrap_or_default());
        let (at, scope_at) = match last {
            Some((last_key, place)) if last_key == key => place,
            _ => {
                let at = *resource_groups.entry(resource).or_insert_with(|| {
                    groups.push(ResourceGroup { resource, scopes: Vec::new() });
                    groups.len() - 1
                });
                let scopes = groups.get_mut(at).map(|group| &mut group.scopes);
                let scope_at = *scope_groups.entry(key).or_insert_with(|| {
                    scopes.map_or(0, |scopes| {
                        scopes.push(ScopeGroup { scope: span.scope as usize, spans: Vec::new() });
                        scopes.len() - 1
                    })
                });
                (at, scope_at)
            }
        };
        last = Some((key, (at, scope_at)));
        if let Some(scope) = groups.get_mut(at).and_then(|group| group.scopes.get_mut(scope_at)) {
            scope.spans.push(index);
        }
    }
    groups
}

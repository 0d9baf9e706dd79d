//! `ExportSpansRequest` in canonical form: map fields sorted by key, entries with key and value.
//! It refuses to know more of a message than which fields hold messages and maps.

#[derive(Clone, Copy)]
enum Message {
    Request,
    Span,
    Struct,
    Value,
    List,
    Schema,
}

/// What a field holds: a message, or a map of them.
enum Field {
    Plain,
    Of(Message),
    Map(Message),
}

impl Message {
    fn field(self, number: u64) -> Field {
        match (self, number) {
            (Message::Request, 5) => Field::Of(Message::Span),
            (Message::Span, 9 | 10 | 23) => Field::Of(Message::Struct),
            (Message::Span, 11 | 12) => Field::Of(Message::Schema),
            (Message::Struct, 1) => Field::Map(Message::Value),
            (Message::Value, 5) => Field::Of(Message::Struct),
            (Message::Value, 6) => Field::Of(Message::List),
            (Message::List, 1) => Field::Of(Message::Value),
            (Message::Schema, 2) => Field::Map(Message::Schema),
            (Message::Schema, 3) => Field::Of(Message::Schema),
            _ => Field::Plain,
        }
    }
}

/// The canonical form of a request. Panics on what is no message.
pub fn request(body: &[u8]) -> Vec<u8> {
    message(Message::Request, body)
}

fn message(kind: Message, mut bytes: &[u8]) -> Vec<u8> {
    let mut fields: Vec<(u64, Vec<u8>, Vec<u8>)> = Vec::new();
    while !bytes.is_empty() {
        let whole = bytes;
        let tag = varint(&mut bytes);
        let content: &[u8] = match tag & 7 {
            0 => {
                varint(&mut bytes);
                &[]
            }
            1 => take(&mut bytes, 8),
            2 => {
                let length = varint(&mut bytes) as usize;
                take(&mut bytes, length)
            }
            other => panic!("wire type {other}"),
        };
        let (sort, encoded) = match kind.field(tag >> 3) {
            Field::Plain => (Vec::new(), whole[..whole.len() - bytes.len()].to_vec()),
            Field::Of(inner) => (Vec::new(), delimited(tag, &message(inner, content))),
            Field::Map(inner) => {
                let (key, value) = entry(content);
                let mut entry = delimited(0x0a, key);
                entry.extend(delimited(0x12, &message(inner, value)));
                (key.to_vec(), delimited(tag, &entry))
            }
        };
        fields.push((tag >> 3, sort, encoded));
    }
    assert!(fields.is_sorted_by_key(|(number, ..)| *number), "fields ascend");
    // Only map entries have a sort key; everything else keeps its place.
    fields.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    fields.into_iter().flat_map(|(_, _, bytes)| bytes).collect()
}

fn entry(mut bytes: &[u8]) -> (&[u8], &[u8]) {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = varint(&mut bytes) as usize;
        let content = take(&mut bytes, length);
        match tag {
            0x0a => key = content,
            0x12 => value = content,
            other => panic!("tag {other} in a map entry"),
        }
    }
    (key, value)
}

fn delimited(tag: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for mut value in [tag, content.len() as u64] {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    out.extend_from_slice(content);
    out
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (head, rest) = bytes.split_at(length);
    *bytes = rest;
    head
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("varint");
}

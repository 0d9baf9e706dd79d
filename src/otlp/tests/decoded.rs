//! Reads a request in protobuf and says it in OTLP/JSON, by the numbers of opentelemetry-proto.
//! It refuses to use anything of the encoders: it is the second opinion on them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

#[derive(Clone, Copy, Debug)]
enum Raw<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

impl<'a> Raw<'a> {
    fn bytes(self) -> &'a [u8] {
        let Raw::Bytes(bytes) = self else { panic!("{self:?} is not length-delimited") };
        bytes
    }

    fn text(self) -> Value {
        json!(std::str::from_utf8(self.bytes()).unwrap())
    }

    fn hex(self) -> Value {
        json!(self.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn number(self) -> u64 {
        match self {
            Raw::Varint(value) => value,
            Raw::Four(bytes) => u64::from(u32::from_le_bytes(bytes)),
            other => panic!("{other:?} is no number"),
        }
    }

    fn time(self) -> Value {
        let Raw::Eight(bytes) = self else { panic!("{self:?} is no time") };
        json!(u64::from_le_bytes(bytes).to_string())
    }
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, behind) = rest.split_first().expect("a varint is cut off");
        *rest = behind;
        value |= u64::from(byte & 0x7f).checked_shl(shift).expect("a varint is too long");
        if *byte < 0x80 {
            assert!(*byte > 0 || shift == 0, "a varint is longer than it has to be");
            return value;
        }
    }
    unreachable!()
}

/// The fields of a message in their order, which has to be that of their numbers.
fn fields(mut rest: &[u8]) -> Vec<(u64, Raw<'_>)> {
    let mut fields: Vec<(u64, Raw<'_>)> = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let raw = match key & 7 {
            0 => Raw::Varint(varint(&mut rest)),
            1 => Raw::Eight(*rest.split_off(..8).unwrap().as_array().unwrap()),
            2 => {
                let length = varint(&mut rest) as usize;
                Raw::Bytes(rest.split_off(..length).expect("a field is cut off"))
            }
            5 => Raw::Four(*rest.split_off(..4).unwrap().as_array().unwrap()),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, raw));
    }
    assert!(fields.is_sorted_by_key(|(number, _)| *number), "{fields:?}");
    fields
}

fn add(object: &mut Object, list: &str, item: Value) {
    let values = object.entry(list).or_insert_with(|| json!([]));
    values.as_array_mut().unwrap().push(item);
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("{value} is no object") };
    object
}

pub fn request(body: &[u8]) -> Value {
    let mut request = object(json!({ "resourceSpans": [] }));
    for (number, raw) in fields(body) {
        assert_eq!(number, 1);
        add(&mut request, "resourceSpans", resource_spans(raw.bytes()));
    }
    request.into()
}

fn resource_spans(body: &[u8]) -> Value {
    let mut of = object(json!({ "scopeSpans": [] }));
    for (number, raw) in fields(body) {
        match number {
            1 => drop(of.insert("resource".into(), resource(raw.bytes()))),
            2 => add(&mut of, "scopeSpans", scope_spans(raw.bytes())),
            3 => {
                // The JSON of the stock exporter says it in the resource, too.
                of["resource"]["schemaUrl"] = raw.text();
                of.insert("schemaUrl".into(), raw.text());
            }
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn resource(body: &[u8]) -> Value {
    let mut of = object(json!({ "attributes": [] }));
    for (number, raw) in fields(body) {
        match number {
            1 => add(&mut of, "attributes", key_value(raw.bytes())),
            2 => drop(of.insert("droppedAttributesCount".into(), json!(raw.number()))),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn scope_spans(body: &[u8]) -> Value {
    let mut of = object(json!({ "spans": [] }));
    for (number, raw) in fields(body) {
        match number {
            1 => drop(of.insert("scope".into(), scope(raw.bytes()))),
            2 => add(&mut of, "spans", span(raw.bytes())),
            3 => drop(of.insert("schemaUrl".into(), raw.text())),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn scope(body: &[u8]) -> Value {
    let mut of = Object::new();
    for (number, raw) in fields(body) {
        match number {
            1 => drop(of.insert("name".into(), raw.text())),
            2 => drop(of.insert("version".into(), raw.text())),
            3 => {
                add(&mut of, "attributes", key_value(raw.bytes()));
                of.insert("droppedAttributesCount".into(), json!(0));
            }
            4 => drop(of.insert("droppedAttributesCount".into(), json!(raw.number()))),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn span(body: &[u8]) -> Value {
    let mut of = object(json!({ "kind": 0, "attributes": [], "events": [], "links": [] }));
    for (number, raw) in fields(body) {
        let (name, value) = match number {
            1 => ("traceId", raw.hex()),
            2 => ("spanId", raw.hex()),
            3 => ("traceState", raw.text()),
            4 => ("parentSpanId", raw.hex()),
            5 => ("name", raw.text()),
            6 => ("kind", json!(raw.number())),
            7 => ("startTimeUnixNano", raw.time()),
            8 => ("endTimeUnixNano", raw.time()),
            9 => {
                add(&mut of, "attributes", key_value(raw.bytes()));
                continue;
            }
            10 => ("droppedAttributesCount", json!(raw.number())),
            11 => {
                add(&mut of, "events", event(raw.bytes()));
                continue;
            }
            12 => ("droppedEventsCount", json!(raw.number())),
            13 => {
                add(&mut of, "links", link(raw.bytes()));
                continue;
            }
            14 => ("droppedLinksCount", json!(raw.number())),
            15 => ("status", status(raw.bytes())),
            16 => ("flags", json!(raw.number())),
            other => panic!("field {other}"),
        };
        of.insert(name.into(), value);
    }
    of.into()
}

fn event(body: &[u8]) -> Value {
    let mut of = object(json!({ "attributes": [] }));
    for (number, raw) in fields(body) {
        match number {
            1 => drop(of.insert("timeUnixNano".into(), raw.time())),
            2 if raw.bytes().is_empty() => {} // in JSON it is left out
            2 => drop(of.insert("name".into(), raw.text())),
            3 => add(&mut of, "attributes", key_value(raw.bytes())),
            4 => drop(of.insert("droppedAttributesCount".into(), json!(raw.number()))),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn link(body: &[u8]) -> Value {
    let mut of = object(json!({ "attributes": [] }));
    for (number, raw) in fields(body) {
        match number {
            1 => drop(of.insert("traceId".into(), raw.hex())),
            2 => drop(of.insert("spanId".into(), raw.hex())),
            3 => drop(of.insert("traceState".into(), raw.text())),
            4 => add(&mut of, "attributes", key_value(raw.bytes())),
            5 => drop(of.insert("droppedAttributesCount".into(), json!(raw.number()))),
            6 => drop(of.insert("flags".into(), json!(raw.number()))),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn status(body: &[u8]) -> Value {
    let mut of = Object::new();
    for (number, raw) in fields(body) {
        match number {
            2 => drop(of.insert("message".into(), raw.text())),
            3 => drop(of.insert("code".into(), json!(raw.number()))),
            other => panic!("field {other}"),
        }
    }
    of.into()
}

fn key_value(body: &[u8]) -> Value {
    let fields = fields(body);
    let [(1, key), (2, value)] = fields[..] else { panic!("{fields:?}") };
    json!({ "key": key.text(), "value": any_value(value.bytes()) })
}

fn any_value(body: &[u8]) -> Value {
    let list = |body, item: fn(&[u8]) -> Value| -> Value {
        fields(body).into_iter().map(|(_, raw)| item(raw.bytes())).collect()
    };
    match fields(body)[..] {
        [] => json!({}),
        [(1, text)] => json!({ "stringValue": text.text() }),
        [(2, value)] => json!({ "boolValue": value.number() == 1 }),
        [(3, value)] => json!({ "intValue": value.number() as i64 }),
        [(4, Raw::Eight(bytes))] => json!({ "doubleValue": f64::from_le_bytes(bytes) }),
        [(5, items)] => json!({ "arrayValue": { "values": list(items.bytes(), any_value) } }),
        [(6, items)] => json!({ "kvlistValue": { "values": list(items.bytes(), key_value) } }),
        [(7, bytes)] => json!({ "bytesValue": STANDARD.encode(bytes.bytes()) }),
        ref other => panic!("{other:?}"),
    }
}

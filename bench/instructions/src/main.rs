//! Runs one stage over a recorded batch, `<batch file> <decode|protobuf|json|lines|request|process> <times> [<rules file>]`.
//! It refuses to measure: callgrind counts from outside, and the difference of two runs is the stage alone.

mod batch_file;

use std::{env, error::Error, fs, hint::black_box};

use bumpalo::Bump;
use offloop::{
    drift::{Input, Invalid, RequestHeader, encode_lines, encode_request},
    handoff::decode,
    otlp::{Protocol, encode},
    process::Process,
    span::SpanBatch,
};

/// What makes tokens; every key costs the same.
const TOKEN_KEY: &[u8] = &[7; 32];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which batch file?")?;
    let stage = arguments.next().ok_or("which stage?")?;
    let times: u32 = arguments.next().ok_or("how many times?")?.parse()?;
    let process = arguments.next().map(|path| rules(&fs::read_to_string(path)?)).transpose()?;
    let batch = batch_file::read(&fs::read(path)?)?;
    let mut arena = Bump::new();
    for _ in 0..times {
        arena.reset();
        let mut decoded = decode(&batch, &arena)?;
        match stage.as_str() {
            "decode" => drop(black_box(decoded)),
            "protobuf" => drop(black_box(encode(Protocol::HttpProtobuf, &decoded))),
            "json" => drop(black_box(encode(Protocol::HttpJson, &decoded))),
            "lines" => drop(black_box(encode_lines(&inputs(&decoded, &arena), None))),
            "request" => drop(black_box(encode_request(
                &inputs(&decoded, &arena),
                &RequestHeader::default(),
            ))),
            "process" => {
                let process = process.as_ref().ok_or("which rules?")?;
                black_box(process.apply(&mut decoded, &arena));
                drop(black_box(decoded));
            }
            _ => return Err("unknown stage".into()),
        }
    }
    Ok(())
}

/// Rules as words with a zero byte behind each.
fn rules(text: &str) -> Result<Process, Box<dyn Error>> {
    let words: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    Ok(Process::compile(&words, Some(TOKEN_KEY))?)
}

/// What the record/replay transform is given.
fn inputs<'a>(batch: &SpanBatch<'a>, arena: &'a Bump) -> Vec<Result<Input<'a>, Invalid>> {
    batch.spans.iter().map(|span| Input::from_span(batch, span, arena)).collect()
}

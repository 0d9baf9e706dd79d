//! Runs what a worker does for an exporter without rules, by the very function that it calls: `<batch file> <times>`.
//! It is a program of its own so that this function is compiled as it is in the addon, with one caller of each stage.

mod batch_file;

use std::{env, error::Error, fs, hint::black_box};

use offloop::{
    otlp::Protocol,
    transform::{Format, transform},
};

/// A lane takes its batches. As many are made whatever is repeated, so that making them cancels out.
const MOST_TIMES: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which batch file?")?;
    let times: usize = arguments.next().ok_or("how many times?")?.parse()?;
    let bytes = fs::read(path)?;
    let encode = transform(Format::Otlp(Protocol::HttpProtobuf), None);
    let batches =
        (0..MOST_TIMES).map(|_| batch_file::read(&bytes)).collect::<Result<Vec<_>, _>>()?;
    for batch in batches.into_iter().take(times) {
        drop(black_box(encode(batch)));
    }
    Ok(())
}

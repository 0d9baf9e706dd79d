//! docs/viewer.md, tried: each command prints what stands below it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::{fs, path::Path, process::Command};

/// Words of a command line; single quotes hold blanks together.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    quoted
        .flat_map(|(number, part)| match number % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

#[test]
fn v121_every_command_of_the_page_prints_what_stands_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../docs/viewer.md")).unwrap();
    let mut tried = 0;
    for block in page.split("```sh\n").skip(1) {
        let (line, rest) = block.split_once("\n```\n").unwrap();
        let expected = rest.strip_prefix("\n```text\n").unwrap().split_once("```\n").unwrap().0;
        let words = words(line);
        assert_eq!(words[0], "offloop");
        let output = Command::new(env!("CARGO_BIN_EXE_offloop-viewer"))
            .args(&words[1..])
            .current_dir(root.join("tests/fixtures"))
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{line}");
        assert!(output.status.success(), "{line}");
        tried += 1;
    }
    assert_eq!(tried, 6);
}

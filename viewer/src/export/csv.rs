//! One row per span, with the fields that were chosen.

use crate::{
    fields::{Cells, Shown},
    index::Index,
    terminal::csv_cell,
};

pub(super) struct Csv {
    fields: Vec<Shown>,
    cells: Cells,
}

impl Csv {
    pub fn new(index: &Index, fields: Vec<Shown>) -> Csv {
        Csv { cells: Cells::new(index, &fields), fields }
    }

    /// The names of the fields.
    pub fn begin(&self, out: &mut Vec<u8>) {
        line(self.fields.iter().map(|field| csv_cell(&field.name)), out);
    }

    pub fn row(&self, index: &Index, row: u32, out: &mut Vec<u8>) {
        let Some(span) = index.span(row) else { return };
        let cell = |field| csv_cell(&self.cells.cell(index, row, span, field).plain());
        line(self.fields.iter().map(cell), out);
    }
}

fn line(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(cell.as_bytes());
    }
    out.push(b'\n');
}

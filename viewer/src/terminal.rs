//! How things look in a terminal: owns tables, figures and the one way in which texts of spans get there.
//! It refuses to know what a span is.

mod escape;
mod figures;
mod table;

pub(crate) use self::{
    escape::{csv_cell, json_text, shown},
    figures::{bytes_text, count_text, duration_text},
    table::{Column, Table, truncated},
};

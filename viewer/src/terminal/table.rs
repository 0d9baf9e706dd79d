//! Tables that fit the width of the terminal: texts that are too long are cut, figures never. A place in the code is cut at its
//! head, because file and line stand at its end.

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Align {
    Left,
    Right,
}

/// A column. Those that can shrink hold texts.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: String,
    align: Align,
    can_shrink: bool,
    is_cut_at_head: bool,
}

impl Column {
    pub fn text(title: impl Into<String>) -> Column {
        let title = title.into();
        Column { title, align: Align::Left, can_shrink: true, is_cut_at_head: false }
    }

    /// A path with a line behind it: what is too long loses its head.
    pub fn place(title: impl Into<String>) -> Column {
        Column { is_cut_at_head: true, ..Column::text(title) }
    }

    /// A text that is of no use if it is cut.
    pub fn whole(title: impl Into<String>) -> Column {
        Column { can_shrink: false, ..Column::text(title) }
    }

    pub fn figure(title: impl Into<String>) -> Column {
        Column { align: Align::Right, can_shrink: false, ..Column::text(title) }
    }
}

const GAP: &str = "  ";
/// A text is not made shorter than this.
const SHORTEST: usize = 8;

#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    /// What is in the cells has been made harmless.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: Vec<Column>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The lines of the table, the titles first.
    pub fn text(&self, width: usize) -> String {
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
        let mut widths: Vec<usize> = titles.iter().map(|title| width_of(title)).collect();
        for row in &self.rows {
            for (most, cell) in widths.iter_mut().zip(row) {
                *most = (*most).max(width_of(cell));
            }
        }
        self.shrink(&mut widths, width);
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            for ((column, cell), width) in self.columns.iter().zip(row).zip(&widths) {
                let cell = match column.is_cut_at_head {
                    true => truncated_head(cell, *width),
                    false => truncated(cell, *width),
                };
                let blanks = " ".repeat(width.saturating_sub(width_of(&cell)));
                match column.align {
                    Align::Left => line.push_str(&(cell + &blanks)),
                    Align::Right => line.push_str(&(blanks + &cell)),
                }
                line.push_str(GAP);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Takes from the widest of the columns that can shrink until all fit.
    fn shrink(&self, widths: &mut [usize], width: usize) {
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        loop {
            let total = widths.iter().sum::<usize>() + gaps;
            let shrinkable =
                self.columns.iter().zip(widths.iter_mut()).filter(|(column, _)| column.can_shrink);
            let Some((_, widest)) = shrinkable.max_by_key(|(_, width)| **width) else { return };
            if total <= width || *widest <= SHORTEST {
                return;
            }
            *widest -= 1;
        }
    }
}

/// `text` in at most `width` columns.
pub(crate) fn truncated(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character_width(character);
        if used + 1 > width {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// The end of `text` in at most `width` columns.
fn truncated_head(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let tail = text.char_indices().rev().take_while(|(_, character)| {
        used += character_width(*character);
        used <= width
    });
    let start = tail.last().map_or(text.len(), |(start, _)| start);
    format!("…{}", &text[start..])
}

/// Columns of a terminal that a text takes.
pub(crate) fn width_of(text: &str) -> usize {
    text.chars().map(character_width).sum()
}

fn character_width(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v99_a_table_fits_the_width_and_cuts_texts_only() {
        let mut table = Table::new(vec![Column::text("NAME"), Column::figure("COUNT")]);
        table.push(vec!["GET /a/very/long/route/with/many/parts".into(), "1,140,000".into()]);
        table.push(vec!["世界".into(), "7".into()]);
        let lines = ["NAME", "GET /a/very/long/r…", "世界"]
            .map(|text| format!("{text}{}", " ".repeat(19 - width_of(text))));
        let figures = ["    COUNT", "1,140,000", "        7"];
        let expected: Vec<String> =
            lines.iter().zip(figures).map(|(text, figure)| format!("{text}  {figure}\n")).collect();
        assert_eq!(table.text(30), expected.concat());
        assert!(table.text(200).lines().nth(1).unwrap().contains("with/many/parts  1,140,000"));
        assert_eq!(truncated("世界世界", 5), "世界…");
    }

    #[test]
    fn v99_a_place_keeps_its_line_whatever_the_width() {
        let place = "/srv/shop/node_modules/世界/dist/cart.js:1042";
        for width in 1..=width_of(place) + 1 {
            let mut table = Table::new(vec![Column::place("AT"), Column::figure("COUNT")]);
            table.push(vec![place.into(), "7".into()]);
            let text = table.text(width + 7);
            let cell = text.lines().nth(1).unwrap().trim_end_matches('7').trim_end();
            assert!(cell.ends_with("js:1042"), "{width}: {cell}");
            assert!(width_of(cell) <= width.max(SHORTEST), "{width}: {cell}");
            assert_eq!(cell.starts_with('…'), cell != place, "{width}: {cell}");
        }
        assert_eq!(truncated_head("a世界", 4), "…界");
        assert_eq!(truncated_head("世界", 1), "…");
    }
}

//! Tables that fit the width of the terminal: texts that are too long are cut, figures never. A place in the code is cut at its
//! head, because file and line stand at its end. Before what the table is about is cut, columns beside it give their room.

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Align {
    Left,
    Right,
}

/// What a column gives where the table is too wide.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gives {
    Nothing,
    /// It is left out.
    Itself,
    /// Its texts are cut before others are.
    RoomFirst,
    /// Its texts are cut.
    Room,
}

/// A column. Those that give room hold texts.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: String,
    align: Align,
    gives: Gives,
    is_cut_at_head: bool,
}

impl Column {
    pub fn text(title: impl Into<String>) -> Column {
        let title = title.into();
        Column { title, align: Align::Left, gives: Gives::Room, is_cut_at_head: false }
    }

    /// A text that the table is not about.
    pub fn aside(title: impl Into<String>) -> Column {
        Column { gives: Gives::RoomFirst, ..Column::text(title) }
    }

    /// A path with a line behind it: what is too long loses its head.
    pub fn place(title: impl Into<String>) -> Column {
        Column { is_cut_at_head: true, ..Column::text(title) }
    }

    /// A text that is of no use if it is cut.
    pub fn whole(title: impl Into<String>) -> Column {
        Column { gives: Gives::Nothing, ..Column::text(title) }
    }

    pub fn figure(title: impl Into<String>) -> Column {
        Column { align: Align::Right, gives: Gives::Nothing, ..Column::text(title) }
    }

    /// A figure that is left out before any text is cut; the last of several goes first.
    pub fn spare(title: impl Into<String>) -> Column {
        Column { gives: Gives::Itself, ..Column::figure(title) }
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

    /// The lines of the table, the titles first, and what was left out.
    pub fn text(&self, width: usize) -> String {
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
        let mut widths: Vec<usize> = titles.iter().map(|title| width_of(title)).collect();
        for row in &self.rows {
            for (most, cell) in widths.iter_mut().zip(row) {
                *most = (*most).max(width_of(cell));
            }
        }
        let left_out = self.leave_out(&widths, width);
        self.shrink(&mut widths, &left_out, width);
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            let cells = self.columns.iter().zip(row).zip(&widths).zip(&left_out);
            for (((column, cell), width), _) in cells.filter(|(_, is_out)| !**is_out) {
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
        let columns = self.columns.iter().zip(&left_out).filter(|(_, is_out)| **is_out);
        let names: Vec<&str> = columns.map(|(column, _)| column.title.as_str()).collect();
        if !names.is_empty() {
            let (names, columns) = (names.join(", "), width);
            text.push_str(&format!("({columns} columns have no room for {names})\n"));
        }
        text
    }

    /// Which columns are left out: none if all fit without.
    fn leave_out(&self, widths: &[usize], width: usize) -> Vec<bool> {
        let mut left_out = vec![false; self.columns.len()];
        let columns = self.columns.iter().zip(widths).zip(&mut left_out);
        let mut total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        for ((column, own), is_out) in columns.rev() {
            if total > width && column.gives == Gives::Itself {
                *is_out = true;
                total -= own + GAP.len();
            }
        }
        left_out
    }

    /// Takes from the widest of the columns that give room until all fit.
    fn shrink(&self, widths: &mut [usize], left_out: &[bool], width: usize) {
        for (column, is_out) in widths.iter_mut().zip(left_out) {
            if *is_out {
                *column = 0;
            }
        }
        let shown = left_out.iter().filter(|is_out| !**is_out).count();
        let gaps = GAP.len() * shown.saturating_sub(1);
        for gives in [Gives::RoomFirst, Gives::Room] {
            loop {
                let total = widths.iter().sum::<usize>() + gaps;
                let giving = self.columns.iter().zip(widths.iter_mut());
                let giving = giving.filter(|(column, _)| column.gives == gives);
                let Some((_, widest)) = giving.max_by_key(|(_, width)| **width) else { break };
                if total <= width || *widest <= SHORTEST {
                    break;
                }
                *widest -= 1;
            }
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
    fn v99_columns_beside_give_their_room_before_what_a_table_is_about() {
        let mut table = Table::new(vec![
            Column::text("FUNCTION"),
            Column::aside("ROUTE"),
            Column::figure("COUNT"),
            Column::spare("CPU"),
            Column::spare("GC"),
        ]);
        let row = ["OrderService.placeOrder", "/shops/:shop/orders/:order", "7", "12 ms", "3 ms"];
        table.push(row.map(str::to_owned).to_vec());
        let line = |width: usize, nth: usize| {
            table.text(width).lines().nth(nth).unwrap_or_default().to_owned()
        };
        assert_eq!(line(80, 1), row.join("  ").replace("  7", "      7"));
        assert_eq!(line(80, 2), "");
        // Figures go, the last one first, and then texts that the table is not about are cut.
        assert_eq!(line(69, 1), row[..4].join("  ").replace("  7", "      7"));
        assert_eq!(line(69, 2), "(69 columns have no room for GC)");
        assert_eq!(line(50, 1), "OrderService.placeOrder  /shops/:shop/orde…      7");
        assert_eq!(line(50, 2), "(50 columns have no room for CPU, GC)");
        assert_eq!(line(38, 1), "OrderService.placeOr…  /shops/…      7");
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

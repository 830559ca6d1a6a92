//! Tables for spreadsheets, in which no cell is ever a formula.

/// Writes one row of RFC 4180: every cell quoted, CRLF at the end.
///
/// A cell that a spreadsheet would calculate (it begins with `=`, `+`, `-`, `@`, a tab or a carriage
/// return) gets an apostrophe in front, which makes it text.
pub fn row<Cell: AsRef<str>>(cells: impl IntoIterator<Item = Cell>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_a_quote_cannot_end_its_cell() {
        assert_eq!(row(["plain", "a \"b\", c\nd", ""]), "\"plain\",\"a \"\"b\"\", c\nd\",\"\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(row([formula]), format!("\"'{formula}\"\r\n"));
        }
    }
}

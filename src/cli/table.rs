//! A table for people: columns as wide as what is in them.

use std::io::{self, Write};

/// Prints `lines`, the titles first, and a blank line after them.
///
/// # Errors
/// If `out` cannot be written to.
pub(super) fn print<T: AsRef<str>>(lines: &[Vec<T>], out: &mut dyn Write) -> io::Result<()> {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        for (index, cell) in line.iter().enumerate() {
            let width = cell.as_ref().chars().count();
            match widths.get_mut(index) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    for line in lines {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{:width$}", cell.as_ref()));
        let cells: Vec<String> = cells.collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    writeln!(out)
}

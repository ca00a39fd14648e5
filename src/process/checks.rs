//! What must hold of whatever a child writes: checked by the fuzz targets and by the tests that
//! replay what those found.

use super::lines::{END, Lines, Piece};
use super::output::UnusableLine;

/// The first two bytes say how long a line may be and in which pieces the rest arrives. However it
/// does, the lines are the same, and each is fit to be read as JSON.
pub(crate) fn lines(data: &[u8]) {
    let [limit, step, said @ ..] = data else {
        return;
    };
    let limit = usize::from(*limit) * 64;
    let whole = read(limit, &[said]);
    let parts: Vec<&[u8]> = said.chunks(usize::from(*step) + 1).collect();
    assert_eq!(whole, read(limit, &parts), "the reads decide");
    let mut seen = 0;
    for piece in &whole {
        seen += check(piece, limit);
    }
    assert!(seen <= said.len() as u64, "more comes out than goes in");
    assert!(whole.len() <= said.split(|byte| *byte == b'\n').count());
}

fn read(limit: usize, reads: &[&[u8]]) -> Vec<Piece> {
    let mut lines = Lines::new(limit);
    let mut pieces = Vec::new();
    for read in reads {
        lines.room().extend_from_slice(read);
        pieces.extend(std::iter::from_fn(|| lines.next()));
    }
    pieces.extend(lines.finish());
    pieces
}

/// Gives how long the line was.
fn check(piece: &Piece, limit: usize) -> u64 {
    match piece {
        Piece::Line(line) => {
            assert!(line.len() <= limit && !line.contains(&b'\n'));
            assert!(std::str::from_utf8(line).is_ok_and(|text| !text.trim_ascii().is_empty()));
            line.len() as u64
        }
        Piece::Unusable {
            head,
            tail,
            length,
            why,
        } => {
            assert!(head.len() <= END && tail.len() <= END);
            assert!((head.len() + tail.len()) as u64 <= *length);
            match why {
                UnusableLine::TooLong => assert!(*length > limit as u64),
                UnusableLine::NotUtf8 | UnusableLine::Partial => assert!(*length <= limit as u64),
            }
            *length
        }
    }
}

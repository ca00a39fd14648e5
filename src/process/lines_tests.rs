//! The line reader: what counts as a line, and that nothing depends on how the bytes arrived.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What comes out if the bytes arrive in `reads`.
fn pieces(limit: usize, reads: &[&[u8]]) -> Vec<Piece> {
    let mut lines = Lines::new(limit);
    let mut pieces = Vec::new();
    for read in reads {
        lines.room().extend_from_slice(read);
        pieces.extend(std::iter::from_fn(|| lines.next()));
    }
    pieces.extend(lines.finish());
    pieces
}

fn line(text: &str) -> Piece {
    Piece::Line(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn line_ends_marks_and_blank_lines_are_tolerated() {
    let said = b"\xEF\xBB\xBF{\"a\":1}\r\n\n \t\r\n{\"b\":\"\xc3\xa9\"}\n\xEF\xBB\xBF\n x \n";
    let expected = [line("{\"a\":1}"), line("{\"b\":\"é\"}"), line(" x ")];
    assert_eq!(pieces(100, &[said]), expected);
}

#[test]
fn the_end_of_the_stream_inside_a_line_is_named() {
    let partial = Piece::Unusable {
        head: Bytes::from_static(b"{\"id\":1"),
        tail: Bytes::new(),
        length: 7,
        why: UnusableLine::Partial,
    };
    assert_eq!(pieces(100, &[b"x\n{\"id\"", b":1"]), [line("x"), partial]);
    assert_eq!(pieces(100, &[b"x\n \r"]), [line("x")]);
}

#[test]
fn what_is_not_utf8_is_unusable_and_the_next_line_is_not() {
    let wrong = Piece::Unusable {
        head: Bytes::from_static(b"a\xff"),
        tail: Bytes::new(),
        length: 2,
        why: UnusableLine::NotUtf8,
    };
    assert_eq!(pieces(100, &[b"a\xff\nb\n"]), [wrong, line("b")]);
}

#[test]
fn a_line_over_the_limit_is_reduced_to_its_ends() {
    let mut said = b"{\"id\":7,".to_vec();
    said.resize(30_000, b'x');
    said.extend_from_slice(b",\"end\":1}\nnext\n");
    for size in [1, 7, 4096, 100_000] {
        let reads: Vec<&[u8]> = said.chunks(size).collect();
        let found = pieces(10_000, &reads);
        let [
            Piece::Unusable {
                head,
                tail,
                length,
                why,
            },
            next,
        ] = found.as_slice()
        else {
            panic!("{} pieces", found.len());
        };
        assert_eq!((head.len(), tail.len(), *length), (END, END, 30_009));
        assert!(head.starts_with(b"{\"id\":7,") && tail.ends_with(b",\"end\":1}"));
        assert_eq!(*why, UnusableLine::TooLong);
        assert_eq!(*next, line("next"));
    }
}

#[test]
fn the_limit_itself_is_allowed() {
    let at = "x".repeat(5000) + "\n";
    assert_eq!(pieces(5000, &[at.as_bytes()]), [line(&"x".repeat(5000))]);
    let found = pieces(4999, &[at.as_bytes()]);
    assert!(matches!(
        found.as_slice(),
        [Piece::Unusable { length: 5000, .. }]
    ));
}

#[test]
fn memory_is_given_back() {
    let mut lines = Lines::new(1 << 20);
    let long = vec![b'x'; 1 << 20];
    for read in long.chunks(65_536) {
        lines.room().extend_from_slice(read);
        assert_eq!(lines.next(), None);
    }
    assert!(lines.buffer.capacity() >= 1 << 20);
    lines.room().extend_from_slice(b"\nshort");
    assert!(matches!(lines.next(), Some(Piece::Line(line)) if line.len() == 1 << 20));
    assert_eq!(lines.next(), None);
    assert!(
        lines.buffer.capacity() <= KEEP,
        "a short rest keeps a large buffer"
    );

    // The same while a line is skipped, however long it is.
    for read in long.iter().as_slice().chunks(65_536).cycle().take(64) {
        lines.room().extend_from_slice(read);
        assert_eq!(lines.next(), None);
    }
    assert!(lines.skipped.is_some());
    assert!(lines.buffer.capacity() <= 2 * KEEP + BLOCK);
}

#[test]
fn a_line_is_a_slice_of_what_was_read() {
    let mut lines = Lines::new(100);
    lines.room().extend_from_slice(b"one\ntwo\n");
    let read = lines.buffer.as_ptr_range();
    while let Some(piece) = lines.next() {
        assert!(matches!(piece, Piece::Line(line) if read.contains(&line.as_ptr())));
    }
}

/// Bytes that are likely to be at an edge of something, for a limit of 20.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(BYTE_ORDER_MARK.to_vec()),
        Just("é\u{10348}".as_bytes().to_vec()),
        Just(b"\xff".to_vec()),
        vec(b' '..b'~', 0..30),
        (4090_usize..4105).prop_map(|length| vec![b'x'; length]),
        (8180_usize..8210).prop_map(|length| vec![b'y'; length]),
    ];
    vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_lines(
        said in stream(),
        sizes in vec(1_usize..9000, 1..8),
        limit in prop_oneof![Just(20_usize), 4090_usize..4110, Just(100_000)],
    ) {
        let mut reads = Vec::new();
        let mut rest = said.as_slice();
        for size in sizes.iter().cycle() {
            let (read, unread) = rest.split_at(rest.len().min(*size));
            reads.push(read);
            rest = unread;
            if rest.is_empty() {
                break;
            }
        }
        let whole = pieces(limit, &[&said]);
        prop_assert_eq!(pieces(limit, &reads), whole);
        if said.len() < 2000 {
            let bytes: Vec<&[u8]> = said.chunks(1).collect();
            prop_assert_eq!(pieces(limit, &bytes), pieces(limit, &[&said]));
        }
    }

    #[test]
    fn whole_lines_come_out_as_they_went_in(texts in vec("[a-zé]{1,40}", 0..20)) {
        let said = texts.join("\n") + "\n";
        let expected: Vec<Piece> = texts.iter().map(|text| line(text)).collect();
        prop_assert_eq!(pieces(100, &[said.as_bytes()]), expected);
    }
}

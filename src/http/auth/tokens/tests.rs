//! What is read, what is refused, and who is who.

use super::*;

const ONE: &str = "0123456789abcdef";
const TWO: &str = "fedcba9876543210";

fn word(line: usize, column: usize) -> InvalidToken {
    InvalidToken::Word { line, column }
}

#[test]
fn one_token_a_line() {
    let text = format!(
        "\u{feff}# of the laptop\r\n{ONE}\r\n\n  {TWO}  \n#{ONE}x\n{ONE}  # of the phone\r\n{TWO}\t#\n"
    );
    let tokens = Tokens::parse(&text).unwrap();
    assert_eq!(tokens.count(), 4);
    let (one, two) = (
        tokens.owner_of(ONE.as_bytes()),
        tokens.owner_of(TWO.as_bytes()),
    );
    assert!(one.is_some() && two.is_some() && one != two);
    for wrong in ["", "0", "0123456789abcdeg", "0123456789abcdef0"] {
        assert_eq!(tokens.owner_of(wrong.as_bytes()), None, "{wrong}");
    }
    for (owner, pins) in [one.unwrap(), two.unwrap()] {
        assert!(tokens.owners().admit(owner) && pins.is_none());
    }
}

#[test]
fn a_token_may_have_signs_that_mean_something_elsewhere() {
    for token in [
        "0123456789abcdef#0",
        "#0123456789abcdef",
        "QUJDREVGR0hJSktMTU5PUA==",
        "ABCDEFGHIJKLMNOP=",
        "sk-proj_0123456789'abc",
    ] {
        let tokens = Tokens::parse(&format!("# x\n{token}"));
        assert_eq!(tokens.is_ok(), !token.starts_with('#'), "{token}");
        let known = tokens.is_ok_and(|tokens| tokens.owner_of(token.as_bytes()).is_some());
        assert_eq!(known, !token.starts_with('#'), "{token}");
    }
}

#[test]
fn what_is_around_a_token_is_refused_with_its_line() {
    let secret = "s3cr3t-0f-th3-h0us3";
    for (text, expected) in [
        (
            format!("{ONE}\n\"{secret}\""),
            InvalidToken::Adorned(2, "quotes"),
        ),
        (
            format!("'{secret}'  # mine"),
            InvalidToken::Adorned(1, "quotes"),
        ),
        (
            format!("Bearer {secret}"),
            InvalidToken::Adorned(1, "'Bearer'"),
        ),
        (
            format!("MCPROXY_TOKEN={secret}"),
            InvalidToken::Adorned(1, "'NAME='"),
        ),
        (
            format!("export TOKEN={secret}"),
            InvalidToken::Adorned(1, "'NAME='"),
        ),
        (format!("{secret} of the laptop"), word(1, 21)),
        (format!("{secret} x # y"), word(1, 21)),
        (format!("\n  {secret}  name=a {secret}=x"), word(2, 31)),
        (format!("{secret} profil=kids"), word(1, 21)),
        (
            format!("{secret} name=a name=b"),
            InvalidToken::Name {
                line: 1,
                column: 28,
            },
        ),
        (
            format!("{secret} name=a/b"),
            InvalidToken::Name {
                line: 1,
                column: 21,
            },
        ),
        (
            format!("{secret} profile="),
            InvalidToken::Profile {
                line: 1,
                column: 21,
                why: InvalidProfileName::Empty,
            },
        ),
        (
            format!("{secret} profile=kids\n\n{secret}"),
            InvalidToken::Twice { line: 3, first: 1 },
        ),
    ] {
        let error = Tokens::parse(&text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
    }
}

#[test]
fn mistakes_have_their_line_and_show_no_token() {
    assert_eq!(Tokens::parse(" \n# x\n"), Err(InvalidToken::None));
    let secret = "s3cr3t-0f-th3-h0us3";
    for (text, expected) in [
        ("s3cr3t-s3cr3t-s".to_owned(), InvalidToken::Short(1)),
        (format!("{ONE}\n{secret} {secret}"), word(2, 21)),
        (format!("\n\n{secret}\u{e9}"), InvalidToken::Character(3)),
        (format!("{secret}\0"), InvalidToken::Character(1)),
    ] {
        let error = Tokens::parse(&text).unwrap_err();
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
    }
    let tokens = Tokens::parse(secret).unwrap();
    assert_eq!(format!("{tokens:?}"), "Tokens(1)");
}

#[test]
fn two_sources_count_together() {
    let (one, two) = (Tokens::parse(ONE).unwrap(), Tokens::parse(TWO).unwrap());
    assert_eq!(one.clone().and(two).count(), 2);
    assert_eq!(one.clone().and(Tokens::default()), one);
    assert_eq!(Tokens::default().and(one.clone()), one);
    assert!(!Tokens::default().and(Tokens::default()).are_asked_for());
    assert!(Tokens::default().owners().admit(Owner::ANYBODY));
    assert!(!Tokens::parse(ONE).unwrap().owners().admit(Owner::ANYBODY));
}

#[test]
fn a_token_has_a_name_and_is_pinned_to_profiles() {
    let text = format!("{ONE} name=anna@home profile=kids profile=work profile=kids # x\n{TWO}");
    let tokens = Tokens::parse(&text).unwrap();
    let names = |pins: &Pins| -> Option<Vec<String>> {
        let pins = pins.as_ref()?;
        Some(pins.iter().map(ToString::to_string).collect())
    };
    let (one, pins) = tokens.owner_of(ONE.as_bytes()).unwrap();
    assert_eq!(names(&pins).unwrap(), ["kids", "work"]);
    let (two, free) = tokens.owner_of(TWO.as_bytes()).unwrap();
    assert_eq!(free, None);
    let of = |name| Some(ProfileName::new(name).unwrap().id());
    let owners = tokens.owners();
    for (name, is_pinned) in [(None, false), (of("kids"), true), (of("guests"), false)] {
        assert_eq!(owners.admit(one.in_profile(name)), is_pinned, "{name:?}");
        assert!(owners.admit(two.in_profile(name)), "{name:?}");
    }
    let said: Vec<_> = tokens.pins().map(|(_, name)| name).collect();
    assert_eq!(said, [Some("anna@home"); 2]);
    // In the variable it is not.
    for both in [
        Tokens::parse(ONE).unwrap().and(tokens.clone()),
        tokens.and(Tokens::parse(ONE).unwrap()),
    ] {
        let (_, pins) = both.owner_of(ONE.as_bytes()).unwrap();
        assert_eq!(names(&pins).unwrap(), ["kids", "work"]);
    }
}

//! Several messages in one body, as revision 2025-03-26 lets a client send them: an array, whose
//! entries are read like messages of their own.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::super::raw;
use super::{DecodeError, Message, decode};

/// Takes a batch apart, in its order. Each message's bodies are slices of `body`, and one that is no
/// message spoils only itself. The error says why all of it is no batch of at most `limit` messages;
/// nothing may be done for a batch that is refused.
pub fn decode_batch(
    body: &Bytes,
    limit: usize,
) -> Result<Vec<Result<Message, DecodeError>>, DecodeError> {
    let entries = batch_entries(body, limit)?;
    Ok(entries.iter().map(decode).collect())
}

/// The same, with each entry as it is written.
pub fn batch_entries(body: &Bytes, limit: usize) -> Result<Vec<Bytes>, DecodeError> {
    let text = raw::text(body, "its bytes").map_err(DecodeError::Parse)?;
    // Counted first, without keeping anything: there may be millions.
    let count = if text.trim_ascii_start().starts_with('[') {
        serde_json::from_str::<Vec<IgnoredAny>>(text).map(|entries| entries.len())
    } else {
        serde_json::from_str::<IgnoredAny>(text).map(|_| 0)
    };
    let count = count.map_err(|error| DecodeError::Parse(error.to_string()))?;
    if count == 0 || count > limit {
        let reason = format!("a batch is an array of 1 to {limit} messages");
        return Err(DecodeError::Invalid { id: None, reason });
    }
    let entries = raw::entries(text).into_iter();
    Ok(entries
        .map(|entry| body.slice_ref(entry.as_bytes()))
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::code;
    use super::*;

    fn read(text: &str, limit: usize) -> Result<Vec<Result<Message, DecodeError>>, DecodeError> {
        decode_batch(&Bytes::from(text.to_owned()), limit)
    }

    #[test]
    fn every_message_is_read_for_itself() {
        let body = Bytes::from(
            " [ {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":1.10,\n\"b\":[]}} ,\n{\"jsonrpc\":\"2.0\",\"id\":2},7,[],{\"jsonrpc\":\"2.0\",\"method\":\"y\"}] \n",
        );
        let read = decode_batch(&body, 5).unwrap();
        let Ok(Message::Request(request)) = &read[0] else {
            panic!("{read:?}")
        };
        let params = request.params.as_ref().unwrap();
        assert_eq!(*params, "{\"a\":1.10,\n\"b\":[]}");
        assert!(body.as_ptr_range().contains(&params.as_ptr()), "copied");
        let refused: Vec<_> = read[1..4].iter().map(|m| m.as_ref().unwrap_err()).collect();
        assert!(refused.iter().all(|e| e.code() == code::INVALID_REQUEST));
        assert_eq!(refused[0].id().unwrap().as_raw(), "2");
        assert!(matches!(&read[4], Ok(Message::Notification(_))));
    }

    #[test]
    fn what_is_no_batch_is_refused_as_a_whole() {
        let many = format!("[{}1]", "1,".repeat(100));
        for text in ["[]", " [ ] ", "[1,1,1]", &many, "{}", "7", "\"[]\""] {
            let error = read(text, 2).unwrap_err();
            assert_eq!(error.code(), code::INVALID_REQUEST, "{text}");
            assert!(error.to_string().contains("1 to 2"), "{error}");
        }
        assert_eq!(read(&many, 101).unwrap().len(), 101);
        for text in ["[", "[1,]", "[1] [1]", "[{]", "", "x"] {
            let error = read(text, 2).unwrap_err();
            assert_eq!(error.code(), code::PARSE_ERROR, "{text}");
        }
        assert!(decode_batch(&Bytes::from_static(b"[\"\xff\"]"), 2).is_err());
    }

    proptest! {
        #[test]
        fn a_batch_says_what_its_messages_say(
            texts in prop::collection::vec(
                prop_oneof![
                    Just(r#"{"jsonrpc":"2.0","id":"],[","method":"x"}"#),
                    Just(r#"{"jsonrpc":"2.0","id":4,"result":[{}, [1]]}"#),
                    Just("{\"jsonrpc\":\"1.0\"}"),
                    Just("[[]]"),
                    Just("null"),
                ],
                1..9,
            ),
            between in "[ \\n]{0,2},[ \\t]{0,2}",
        ) {
            let alone: Vec<_> = texts.iter().map(|text| decode(&Bytes::from(*text))).collect();
            prop_assert_eq!(read(&format!("[{}]", texts.join(&between)), 8), Ok(alone));
        }
    }
}

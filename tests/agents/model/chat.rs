//! Chat Completions, of `OpenAI`.

use serde_json::{Value, json};

use super::{Act, Asked, Reply, Tool, elements, text};

pub(super) fn read(body: &Value) -> Asked {
    let functions = elements(body, "tools").filter_map(|tool| tool.get("function"));
    let messages = elements(body, "messages");
    let results = messages.filter(|message| message.get("role") == Some(&json!("tool")));
    Asked {
        tools: functions.filter_map(Tool::named).collect(),
        results: results
            .map(|message| text(message.get("content")))
            .collect(),
    }
}

pub(super) fn reply(act: &Act, is_streamed: bool) -> Reply {
    let (message, reason) = match act {
        Act::Call {
            id,
            tool,
            arguments,
        } => {
            let function = json!({ "name": tool.name, "arguments": arguments.to_string() });
            let call = json!({ "index": 0, "id": id, "type": "function", "function": function });
            let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
            (message, "tool_calls")
        }
        Act::Say(words) => (json!({ "role": "assistant", "content": words }), "stop"),
    };
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18 });
    let answer = |kind: &str, choices: Value, usage: &Value| json!({ "id": "c", "created": 1, "model": "scripted", "object": kind, "choices": choices, "usage": usage });
    if !is_streamed {
        let choices = json!([{ "index": 0, "message": message, "finish_reason": reason }]);
        return Reply::Whole(answer("chat.completion", choices, &usage));
    }
    let pieces = [
        (
            json!([{ "index": 0, "delta": message, "finish_reason": null }]),
            &Value::Null,
        ),
        (
            json!([{ "index": 0, "delta": {}, "finish_reason": reason }]),
            &Value::Null,
        ),
        (json!([]), &usage),
    ];
    let piece = |(choices, usage)| answer("chat.completion.chunk", choices, usage).to_string();
    let data = pieces.into_iter().map(piece).chain(["[DONE]".to_owned()]);
    Reply::Events(data.map(|data| (None, data)).collect())
}

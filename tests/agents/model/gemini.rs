//! Gemini's `generateContent`.

use serde_json::{Value, json};

use super::{Act, Asked, Reply, Tool, elements, text};

pub(super) fn read(body: &Value) -> Asked {
    let functions = elements(body, "tools").flat_map(|tool| elements(tool, "functionDeclarations"));
    let parts = elements(body, "contents").flat_map(|content| elements(content, "parts"));
    let results = parts.filter_map(|part| part.get("functionResponse"));
    Asked {
        tools: functions.filter_map(Tool::named).collect(),
        results: results.map(|result| text(result.get("response"))).collect(),
    }
}

pub(super) fn reply(act: &Act, is_streamed: bool) -> Reply {
    let part = match act {
        Act::Call {
            tool, arguments, ..
        } => {
            json!({ "functionCall": { "name": tool.name, "args": arguments } })
        }
        Act::Say(words) => json!({ "text": words }),
    };
    let answer = json!({
        "candidates": [{ "content": { "role": "model", "parts": [part] }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18 },
    });
    if is_streamed {
        Reply::Events(vec![(None, answer.to_string())])
    } else {
        Reply::Whole(answer)
    }
}

//! Anthropic's Messages.

use serde_json::{Value, json};

use super::{Act, Asked, Reply, Tool, elements, text};

pub(super) fn read(body: &Value) -> Asked {
    let blocks = elements(body, "messages").flat_map(|message| elements(message, "content"));
    let results = blocks.filter(|block| block.get("type") == Some(&json!("tool_result")));
    Asked {
        tools: elements(body, "tools").filter_map(Tool::named).collect(),
        results: results.map(|block| text(block.get("content"))).collect(),
    }
}

pub(super) fn reply(act: &Act, is_streamed: bool) -> Reply {
    let (block, begun, delta, reason) = match act {
        Act::Call {
            id,
            tool,
            arguments,
        } => {
            let block = |input: &Value| json!({ "type": "tool_use", "id": id, "name": tool.name, "input": input });
            let delta =
                json!({ "type": "input_json_delta", "partial_json": arguments.to_string() });
            (block(arguments), block(&json!({})), delta, "tool_use")
        }
        Act::Say(words) => {
            let block = |text: &str| json!({ "type": "text", "text": text });
            let delta = json!({ "type": "text_delta", "text": words });
            (block(words), block(""), delta, "end_turn")
        }
    };
    let message = |content: Value, reason: Value| {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": { "input_tokens": 9, "output_tokens": 9 },
        })
    };
    if !is_streamed {
        return Reply::Whole(message(json!([block]), json!(reason)));
    }
    let events = [
        json!({ "type": "message_start", "message": message(json!([]), Value::Null) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": begun }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": { "output_tokens": 9 } }),
        json!({ "type": "message_stop" }),
    ];
    let named = events.iter().map(|event| {
        let name = event.get("type").and_then(Value::as_str);
        (name.map(str::to_owned), event.to_string())
    });
    Reply::Events(named.collect())
}

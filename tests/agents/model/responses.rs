//! Responses, of `OpenAI`.

use serde_json::{Value, json};

use super::{Act, Asked, Reply, Tool, elements, text};

pub(super) fn read(body: &Value) -> Asked {
    let mut tools = Vec::new();
    for tool in elements(body, "tools") {
        if tool.get("type") == Some(&json!("namespace")) {
            let space = tool.get("name").and_then(Value::as_str).map(str::to_owned);
            let within = elements(tool, "tools").filter_map(Tool::named);
            tools.extend(within.map(|tool| Tool {
                space: space.clone(),
                ..tool
            }));
        } else {
            tools.extend(Tool::named(tool));
        }
    }
    let results = elements(body, "input")
        .filter(|item| item.get("type") == Some(&json!("function_call_output")));
    Asked {
        tools,
        results: results.map(|item| text(item.get("output"))).collect(),
    }
}

pub(super) fn reply(act: &Act, is_streamed: bool) -> Reply {
    let (item, begun, pieces) = match act {
        Act::Call {
            id,
            tool,
            arguments,
        } => {
            let arguments = arguments.to_string();
            let item = |arguments: &str| {
                let mut item = json!({ "id": format!("fc_{id}"), "type": "function_call", "call_id": id, "name": tool.name, "arguments": arguments, "status": "completed" });
                if let Some(space) = &tool.space {
                    item["namespace"] = json!(space);
                }
                item
            };
            let done = json!({ "type": "response.function_call_arguments.done", "item_id": format!("fc_{id}"), "output_index": 0, "arguments": arguments });
            (item(&arguments), item(""), vec![done])
        }
        Act::Say(words) => {
            let item = |content: Value| json!({ "id": "m", "type": "message", "role": "assistant", "status": "completed", "content": content });
            let content = json!({ "type": "output_text", "text": words, "annotations": [] });
            let done = json!({ "type": "response.output_text.done", "item_id": "m", "output_index": 0, "content_index": 0, "text": words });
            (item(json!([content])), item(json!([])), vec![done])
        }
    };
    let response = |status: &str, output: Value| {
        json!({
            "id": "resp", "object": "response", "created_at": 1, "status": status, "model": "scripted", "output": output,
            "parallel_tool_calls": false, "tool_choice": "auto", "tools": [],
            "usage": {
                "input_tokens": 9, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 9,
                "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 18,
            },
        })
    };
    let completed = response("completed", json!([item]));
    if !is_streamed {
        return Reply::Whole(completed);
    }
    let opening = [
        json!({ "type": "response.created", "response": response("in_progress", json!([])) }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": begun }),
    ];
    let ending = [
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": completed }),
    ];
    let events = opening.into_iter().chain(pieces).chain(ending).enumerate();
    let named = events.map(|(number, mut event)| {
        event["sequence_number"] = json!(number);
        let name = event.get("type").and_then(Value::as_str);
        (name.map(str::to_owned), event.to_string())
    });
    Reply::Events(named.collect())
}

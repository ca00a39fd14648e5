//! Results and errors of every method pass byte for byte, both ways, however odd they are.

use std::time::Duration;

use super::{ask, drive, offering, outcome};
use crate::support::both::serve;
use crate::support::client::Transport;

on_both_transports!(
    results_and_errors_pass_byte_for_byte,
    odd_entries_pass_byte_for_byte,
    odd_params_pass_byte_for_byte,
    large_results_pass_whole,
);

/// For large bodies, on a machine that has other work.
const LATER: Duration = Duration::from_secs(60);

/// What readers of values would change: numbers beyond any type, escapes, repeated and unknown members.
const ODD: [&str; 7] = [
    r#"{"n":12345678901234567890123456789012345678901234567890,"m":-0.0,"p":1.10,"e":1e400}"#,
    r#"{"a":"\u00e9\u0041\ud83e\udd80","nul":"\u0000"}"#,
    r#"{"same":1,"same":{"same":2},"__proto__":{},"":null}"#,
    r#"{"type":"x-hologram","voxels":[1.10],"id":7,"jsonrpc":"1.0","_meta":{"":1E+2}}"#,
    r#"{"total":1e2,"sse":"data: x\n\nevent: endpoint"}"#,
    r#"{ "spaces" : [ 1 ,	2 , { } ]	}"#,
    r#"{"resultType":"complete","ttlMs":0,"resource":{"x":1.10}}"#,
];

/// A method, params of it, and what its result must begin with.
const METHODS: [(&str, &str, &str); 4] = [
    (
        "prompts/get",
        r#"{"name":"a__prompt_0"}"#,
        r#""messages" : [{"content":{"type":"text","text":"\u00e9","x":1.10},"role":"user"}]"#,
    ),
    (
        "resources/read",
        r#"{"uri":"a://text/0"}"#,
        r#""contents":[ {"uri":"\u0061://text/0","blob":"","x":null} ]"#,
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"a__prompt_0"},"argument":{"name":"x","value":""}}"#,
        r#""completion":{"values":["\u0061"],"total":1e2,"x":null}"#,
    ),
    (
        "tools/call",
        r#"{"name":"a__echo"}"#,
        r#""content":[{"text":"","type":"t\u0065xt","x":null}]"#,
    ),
];

async fn results_and_errors_pass_byte_for_byte<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for (method, params, start) in METHODS {
        for odd in ODD {
            let error = format!(r#"{{"code":-3.2e4,"message":"\u00e9","data":{odd}}}"#);
            let result = format!(r#"{{{start},"odd":{odd}}}"#);
            for (kind, body) in [("result", result), ("error", error)] {
                if method == "tools/call" {
                    let raw = if kind == "result" { "raw" } else { "fail" };
                    let call = format!(r#"{{"name":"a__{raw}","arguments":{{"{kind}":{body}}}}}"#);
                    let answer = ask(&client, method, &call).await;
                    assert_eq!(outcome(&answer), format!(r#""{kind}":{body}"#));
                    continue;
                }
                let script = format!(r#"{{"method":"{method}","{kind}":{body}}}"#);
                drive(&client, "a__script", &script).await;
                let answer = ask(&client, method, params).await;
                assert_eq!(outcome(&answer), format!(r#""{kind}":{body}"#), "{method}");
            }
        }
    }
}

async fn odd_entries_pass_byte_for_byte<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for (tool, method, changed, entry, renamed) in [
        (
            "a__set_prompts",
            "prompts/list",
            "notifications/prompts/list_changed",
            r#"{ "x":1e40 , "name" : "o\u0064d","arguments":[],"same":1,"same":2}"#,
            r#"{ "x":1e40 , "name" : "a__odd","arguments":[],"same":1,"same":2}"#,
        ),
        (
            "a__set_resources",
            "resources/list",
            "notifications/resources/list_changed",
            r#"{ "x":1e40 , "uri" : "o\u0064d:x","name":"7","same":1,"same":2}"#,
            r#"{ "x":1e40 , "uri" : "o\u0064d:x","name":"7","same":1,"same":2}"#,
        ),
    ] {
        let arguments = format!(r#"{{"definitions":[{entry},{{"x":1}},7]}}"#);
        drive(&client, tool, &arguments).await;
        client.next_notification(changed, super::SOON).await;
        let listed = ask(&client, method, "{}").await;
        assert!(listed.contains(&format!("[{renamed}]")), "{listed}");
    }
    let prompt = ask(&client, "prompts/get", r#"{"name":"a__odd"}"#).await;
    assert!(prompt.contains("a odd null"), "{prompt}");
}

async fn odd_params_pass_byte_for_byte<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    let params = r#"{ "n":1e400,"name" : "a__prompt_0","arguments":null,"_meta":{"a/b":1.10},"t":{"name":"a__x"}}"#;
    ask(&client, "prompts/get", params).await;
    let seen = drive(&client, "a__received", r#"{"method":"prompts/get"}"#).await;
    assert_eq!(
        seen,
        format!("[{}]", params.replace("a__prompt_0", "prompt_0"))
    );
    let params = r#"{"uri" : "a:\/\/text/0","n":1e400,"_meta":{"x":-0.0}}"#;
    ask(&client, "resources/read", params).await;
    let seen = drive(&client, "a__received", r#"{"method":"resources/read"}"#).await;
    assert_eq!(seen, format!("[{params}]"));
}

async fn large_results_pass_whole<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for mib in [1, 16, 63] {
        let bytes = mib << 20;
        let call = format!(r#"{{"name":"a__huge","arguments":{{"bytes":{bytes}}}}}"#);
        let answer = client.call("tools/call", Some(&call), LATER).await;
        let (_, rest) = answer.split_once(r#""text":""#).expect("a text");
        assert_eq!(rest.find('"'), Some(bytes), "{mib} MiB");
    }
}

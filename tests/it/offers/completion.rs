//! `completion/complete` goes to the server that has the prompt or the template.

use super::{ask, drive, offering, outcome, own_answer};
use crate::support::both::serve;
use crate::support::client::Transport;
use crate::support::servers::error_code;

on_both_transports!(
    a_completion_comes_from_the_server_of_its_reference,
    a_completion_of_nothing_is_an_error,
);

async fn a_completion_comes_from_the_server_of_its_reference<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    let rest =
        r#""argument":{"name":"topic","value":"\u00e9"},"context":{"arguments":{"n":"1.10"}}"#;
    for server in ["b", "a"] {
        let cases = [
            (
                format!(r#"{{"type":"ref/prompt","name":"{server}__prompt_1","x":1.10}}"#),
                r#"{"type":"ref/prompt","name":"prompt_1","x":1.10}"#.to_owned(),
            ),
            (
                format!(r#"{{"uri":"{server}://items0/{{id}}","type":"ref/resource"}}"#),
                format!(r#"{{"uri":"{server}://items0/{{id}}","type":"ref/resource"}}"#),
            ),
        ];
        for (reference, native) in &cases {
            let params = format!(r#"{{"ref":{reference},{rest}}}"#);
            let got = ask(&client, "completion/complete", &params).await;
            let params = format!(r#"{{"ref":{native},{rest}}}"#);
            let own = own_answer(server, "completion/complete", &params);
            assert_eq!(outcome(&got), outcome(&own));
        }
        let received = format!("{server}__received");
        let method = r#"{"method":"completion/complete"}"#;
        let seen = drive(&client, &received, method).await;
        let wanted = cases.map(|(_, native)| format!(r#"{{"ref":{native},{rest}}}"#));
        assert_eq!(seen, format!("[{}]", wanted.join(",")));
    }
}

async fn a_completion_of_nothing_is_an_error<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[]), offering("b", &[])]).await;
    for reference in [
        r#"{"type":"ref/prompt","name":"prompt_0"}"#,
        r#"{"type":"ref/prompt","name":"a__none"}"#,
        r#"{"type":"ref/prompt"}"#,
        r#"{"type":"ref/other","name":"a__prompt_0"}"#,
        "null",
    ] {
        let params = format!(r#"{{"ref":{reference},"argument":{{"name":"x","value":""}}}}"#);
        let answer = ask(&client, "completion/complete", &params).await;
        assert_eq!(error_code(&answer), -32602, "{reference}: {answer}");
    }
    let params =
        r#"{"ref":{"type":"ref/resource","uri":"other://{x}"},"argument":{"name":"x","value":""}}"#;
    let answer = ask(&client, "completion/complete", params).await;
    let code = error_code(&answer);
    assert!([-32602, -32002].contains(&code), "{answer}");
}

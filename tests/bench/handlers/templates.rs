//! Many templates of resources, and dear ones, beside results that are full of links.

use super::lists::changed;
use super::offer::Shape;
use super::scale::Scale;
use super::server::Deed;
use super::stage::{PATIENCE, Peaks, Stage, entry, told};
use crate::Plan;

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let servers = [
        entry("many", &scale.templates("many", Shape::Usual))?,
        entry("braces", &scale.templates("braces", Shape::Braces))?,
        entry("intricate", &scale.templates("intricate", Shape::Intricate))?,
        entry("s0", &scale.short("s0"))?,
    ];
    let mut stage = Stage::open(plan, peaks, &servers).await?;
    let client = stage.client("2025-11-25", true).await;
    for &size in scale.results {
        for server in ["many", "s0"] {
            told(&client, server, (Deed::Links, size)).await?;
        }
        stage
            .note("many links are answered beside many templates")
            .await?;
    }
    for uri in ["told:///", "other:///", "a", "mcproxy://s0/told:///"] {
        let uri = format!("{uri}{}", "a".repeat(8_000));
        let params = format!(r#"{{"uri":"{uri}"}}"#);
        client.call("resources/read", Some(&params), PATIENCE).await;
        let reference = format!(r#"{{"type":"ref/resource","uri":"{uri}"}}"#);
        let params = format!(r#"{{"ref":{reference},"argument":{{"name":"a","value":"b"}}}}"#);
        client
            .call("completion/complete", Some(&params), PATIENCE)
            .await;
    }
    stage.note("long URIs are looked up").await?;
    changed(&client, "s0", 1).await?;
    stage
        .note("a short list changes beside many templates")
        .await?;
    changed(&client, "braces", 1).await?;
    stage.note("a list of braces changes").await?;
    stage.end("the gateway stops").await
}

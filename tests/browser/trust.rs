//! Who is shown what: with tokens, and behind a proxy without. What a server says is text.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::gateway::{Gateway, GatewayOptions};
use testkit::servers::configuration;

use crate::page::Page;
use crate::proxy::Proxy;

const TOKEN: &str = "correct-horse-battery-staple";
/// What a browser says in its console of a reply 401.
const REFUSED: &str = "error: Failed to load resource: the server responded with a status of 401";

/// A server that hopes to be shown as HTML.
fn hostile() -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/hostile.mjs");
    json!({ "name": "hostile", "command": "node", "args": [script] })
}

/// Opens the row of the server, and its tool.
async fn look(page: &mut Page) -> Result<()> {
    page.cell("hostile", "state", "text === 'ready'").await?;
    page.click("tr.server button.open").await?;
    page.click("tr.more button").await?;
    page.wait("document.querySelectorAll('#tool-list li').length === 1")
        .await?;
    page.click("#tool-list button.open").await?;
    page.shows("\"required\": [").await?;
    page.shows("<b>bold</b>").await
}

/// Nothing that a server said has become a part of the page.
async fn is_text(page: &mut Page) -> Result<()> {
    let parts = "document.querySelectorAll('main img, main script, main b').length";
    assert_eq!(page.eval(parts).await?, 0);
    Ok(())
}

#[tokio::test]
async fn with_tokens_it_asks_for_one_and_then_shows_all() -> Result<()> {
    let options = GatewayOptions::new(configuration(&[hostile()])).env("MCPROXY_TOKEN", TOKEN);
    let gateway = Gateway::start(options).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    page.shows("This gateway asks for a token").await?;
    page.wait("document.activeElement.id === 'token'").await?;
    page.is_for_everybody("token").await?;
    let shown = page
        .eval("document.body.innerText.includes('hostile')")
        .await?;
    assert_eq!(shown, false, "there is no data in it");

    page.fill("#token", "another").await?;
    page.press("Enter").await?;
    page.shows("It was refused: ").await?;
    assert_eq!(page.eval("sessionStorage.length").await?, 0);

    page.fill("#token", TOKEN).await?;
    page.press("Enter").await?;
    look(&mut page).await?;
    page.shows("it began <img src=x").await?;
    page.shows("no JSON <img src=x").await?;
    page.fill("form.try textarea", "{\"text\": \"hello\"}")
        .await?;
    page.click("form.try button").await?;
    page.shows("hello <img src=x").await?;
    page.fill("form.try textarea", "{").await?;
    page.click("form.try button").await?;
    page.shows("The arguments are no JSON").await?;
    is_text(&mut page).await?;
    page.is_for_everybody("trusted").await?;

    // The tab knows it still, and nobody else does.
    page.reload().await?;
    page.cell("hostile", "state", "text === 'ready'").await?;
    assert_eq!(page.eval("localStorage.length").await?, 0);
    page.click("#forget").await?;
    page.shows("This gateway asks for a token").await?;
    page.behaved(&[REFUSED]).await
}

#[tokio::test]
async fn behind_a_proxy_without_tokens_nobody_reads_or_tries_anything() -> Result<()> {
    let gateway = Gateway::start(GatewayOptions::new(configuration(&[hostile()]))).await;
    let proxy = Proxy::before(gateway.addr()).await?;
    let mut page = Page::open(&format!("http://{}/", proxy.address)).await?;
    look(&mut page).await?;
    is_text(&mut page).await?;
    // Not even to who claims to have one.
    page.eval("sessionStorage.setItem('mcproxy-token', 'claimed')")
        .await?;
    page.reload().await?;
    look(&mut page).await?;
    for part in ["form.try", ".log:not([hidden])", "#ask:not([hidden])"] {
        let script = format!("document.querySelector({}) === null", json!(part));
        assert_eq!(page.eval(&script).await?, true, "{part}");
    }
    let said = "/it began|no JSON </.test(document.body.innerText)";
    assert_eq!(page.eval(said).await?, false);
    page.behaved(&["error: Failed to load resource: the server responded with a status of 403"])
        .await
}

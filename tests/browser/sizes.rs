//! From a phone to a wall, from one server to a hundred, with long names; by keyboard too.

use anyhow::Result;
use testkit::gateway::{Gateway, GatewayOptions};
use testkit::servers::{configuration, fixture};

use crate::page::Page;

/// Widths of a phone, a desk and a wall, with their heights.
const WINDOWS: [(u32, u32); 3] = [(390, 844), (1280, 900), (2560, 1440)];

#[tokio::test]
async fn a_hundred_servers_fit_into_every_window() -> Result<()> {
    let name = |number: usize| match number {
        0 => "a-name-of-exactly-sixty-four-characters-which-is-the-longest-one".to_owned(),
        _ => format!("server-{number:02}"),
    };
    let entries: Vec<_> = (0..100)
        .map(|number| fixture(&name(number), &["--tools", "3"]))
        .collect();
    let gateway = Gateway::start(GatewayOptions::new(configuration(&entries))).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    // Each is a process, and some wait for the others.
    for _ in 0..4 {
        if page.shows("All 100 servers ready").await.is_ok() {
            break;
        }
    }
    page.shows("All 100 servers ready").await?;
    page.wait("document.querySelectorAll('tr.server').length === 100")
        .await?;
    for (width, height) in WINDOWS {
        page.size(width, height).await?;
        page.is_for_everybody(&format!("hundred-{width}")).await?;
    }
    page.fill("#servers-search", "server-07").await?;
    page.wait("document.querySelectorAll('tr.server').length === 1")
        .await?;
    page.shows("1 of 100").await?;
    page.behaved(&[]).await
}

#[tokio::test]
async fn a_keyboard_is_enough() -> Result<()> {
    let entries = [fixture("alpha", &["--tools", "3"]), fixture("beta", &[])];
    let gateway = Gateway::start(GatewayOptions::new(configuration(&entries))).await;
    let mut page = Page::open(&format!("http://{}/", gateway.addr())).await?;
    page.shows("All 2 servers ready").await?;
    page.press("Tab").await?;
    page.press("Enter").await?;
    let focused = "document.activeElement.id";
    assert_eq!(page.eval(focused).await?, "servers", "past the head");
    let until = "document.activeElement.textContent === 'beta'";
    for _ in 0..40 {
        if page.eval(until).await? == true {
            break;
        }
        page.press("Tab").await?;
    }
    assert_eq!(page.eval(until).await?, true);
    page.press("Enter").await?;
    let opened = "document.activeElement.getAttribute('aria-expanded') === 'true'
        && document.querySelectorAll('tr.more').length === 1";
    page.wait(opened).await?;
    page.is_for_everybody("opened").await?;
    page.press("Enter").await?;
    page.wait("!document.querySelector('tr.more')").await?;
    // By number of tools, most first.
    page.click("th.c-tools button").await?;
    let sorted = "document.querySelector('th.c-tools').ariaSort === 'ascending'
        && document.querySelector('tr.server button').textContent === 'alpha'";
    page.wait(sorted).await?;
    page.behaved(&[]).await
}

//! `cargo bench --bench gateway -- --handlers`: what every actor of the gateway needs of a core for one
//! message at the most, of each kind, at common sizes and at the limits. The clocks are the threads' own, so
//! a busy machine disturbs little. Nobody else is served by a worker while it is kept.

mod crowd;
mod instances;
mod kinds;
mod lists;
mod messages;
mod offer;
mod reload;
mod scale;
pub(crate) mod server;
mod stage;
mod templates;

use std::collections::BTreeMap;

use self::scale::{COMMON, LIMITS, Scale};
use self::stage::{Peak, Peaks, Turn};
use crate::report::Report;
use crate::{Plan, progress};

/// What is used aside is told from so many milliseconds on.
const TOLD: f64 = 1.0;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let mut missing = kinds::all()?;
    for scale in [COMMON, LIMITS] {
        let peaks = play(plan, &scale).await?;
        missing.retain(|turn| !peaks.kept.contains_key(turn));
        add(report, &scale, "", &peaks.kept);
        let aside = peaks.aside.into_iter();
        let told = aside.filter(|(_, peak)| peak.millis >= TOLD).collect();
        add(report, &scale, "aside.", &told);
    }
    let missing: Vec<String> = missing
        .into_iter()
        .map(|(actor, message)| format!("{actor} {message}"))
        .collect();
    report.note(format!("Not seen: {}", missing.join(", ")));
    Ok(())
}

async fn play(plan: &Plan, scale: &Scale) -> anyhow::Result<Peaks> {
    let mut peaks = Peaks::default();
    let said = |what| progress(&format!("handlers, {}: {what}", scale.name));
    said("messages");
    messages::play(plan, scale, &mut peaks).await?;
    said("templates");
    templates::play(plan, scale, &mut peaks).await?;
    said("sessions");
    crowd::play(plan, scale, &mut peaks).await?;
    said("instances");
    instances::play(plan, scale, &mut peaks).await?;
    said("configuration");
    reload::play(plan, scale, &mut peaks).await?;
    said("lists");
    lists::play(plan, scale, &mut peaks).await?;
    Ok(peaks)
}

/// The worst first.
fn add(report: &mut Report, scale: &Scale, apart: &str, peaks: &BTreeMap<Turn, Peak>) {
    let mut peaks: Vec<(&Turn, &Peak)> = peaks.iter().collect();
    peaks.sort_by(|(_, one), (_, other)| other.millis.total_cmp(&one.millis));
    for ((actor, message), peak) in peaks {
        let key = format!("turn.{}.{apart}{actor}.{message}", scale.name);
        let where_ = if apart.is_empty() {
            ""
        } else {
            ", beside the workers"
        };
        let what = format!("{}: {actor}, {message}{where_} ({})", scale.name, peak.step);
        report.add(&key, &what, peak.millis, "ms");
    }
}

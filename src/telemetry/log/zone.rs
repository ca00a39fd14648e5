//! The local time zone: that of `TZ` (tzset(3)), else the system's. Read from its one file: jiff looks
//! through all files of all zones for it, and keeps their names. It may block for that, so only
//! threads that may ask for it do.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::files;

/// The system's zone.
const LOCAL: &str = "/etc/localtime";
/// Where the zones are by their names, unless `TZDIR` says it.
const ZONES: [&str; 3] = [
    "/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
];
/// The largest file of a zone; those of today have less than 4 KiB.
const LARGEST: u64 = 1 << 20;
/// How long it holds: whoever moves the system to another zone sees that in the log.
pub(super) const HOLDS: Duration = Duration::from_secs(5 * 60);

static ZONE: RwLock<TimeZone> = RwLock::new(TimeZone::UTC);

/// The local time, in the zone that was read last.
pub(super) fn now() -> Zoned {
    let zone = ZONE.read().unwrap_or_else(PoisonError::into_inner).clone();
    Timestamp::now().to_zoned(zone)
}

/// Reads the zone; UTC if there is none.
pub(super) fn read() {
    let asked = std::env::var("TZ").ok();
    let zone = find(asked.as_deref(), &zones()).unwrap_or(TimeZone::UTC);
    *ZONE.write().unwrap_or_else(PoisonError::into_inner) = zone;
}

fn zones() -> Vec<PathBuf> {
    let named = std::env::var_os("TZDIR").filter(|named| !named.is_empty());
    named.map_or_else(
        || ZONES.map(PathBuf::from).to_vec(),
        |named| vec![named.into()],
    )
}

/// The zone that is `asked` for, among the `zones`: by a rule, by its name, or by the path of its file.
fn find(asked: Option<&str>, zones: &[PathBuf]) -> Option<TimeZone> {
    let Some(asked) = asked else {
        return of_file(Path::new(LOCAL));
    };
    let asked = asked.strip_prefix(':').unwrap_or(asked);
    if asked.is_empty() {
        return Some(TimeZone::UTC);
    }
    let rule = TimeZone::posix(asked).ok();
    rule.or_else(|| zones.iter().find_map(|zones| of_file(&zones.join(asked))))
}

fn of_file(path: &Path) -> Option<TimeZone> {
    let (data, _) = files::read(path, LARGEST).ok()?;
    TimeZone::tzif(path.to_str()?, &data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A zone's file, version 1 (RFC 9636): always two hours east of Greenwich.
    fn two_hours_east() -> Vec<u8> {
        let counts = [0, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
        let head = [b"TZif".as_slice(), &[0; 16], &counts].concat();
        [&head, 7200_i32.to_be_bytes().as_slice(), &[0, 0], b"EET\0"].concat()
    }

    fn hours(zone: Option<TimeZone>) -> Option<f64> {
        let offset = zone?.to_offset(Timestamp::UNIX_EPOCH);
        Some(f64::from(offset.seconds()) / 3600.0)
    }

    #[test]
    fn a_zone_is_found_by_rule_name_and_path() {
        let zones = tempfile::tempdir().unwrap();
        fs::create_dir(zones.path().join("Europe")).unwrap();
        let file = zones.path().join("Europe/Sofia");
        fs::write(&file, two_hours_east()).unwrap();
        let both = [zones.path().join("none"), zones.path().to_owned()];
        let find = |asked| hours(find(Some(asked), &both));
        assert_eq!(find("TST-3"), Some(3.0));
        assert_eq!(find("EST5EDT,M3.2.0,M11.1.0"), Some(-5.0));
        assert_eq!(find("Europe/Sofia"), Some(2.0));
        assert_eq!(find(":Europe/Sofia"), Some(2.0));
        assert_eq!(find(file.to_str().unwrap()), Some(2.0));
        assert_eq!(find(""), Some(0.0));
        assert_eq!(find("Europe/Nowhere"), None);
        assert_eq!(find("Europe"), None);
    }

    #[test]
    fn there_is_a_zone_in_any_case() {
        read();
        assert!(now().timestamp() <= Timestamp::now());
    }
}

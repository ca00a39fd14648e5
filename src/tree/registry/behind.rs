//! Tools of servers that are behind another gateway, which has no prefix here: by what those servers call them,
//! as their names say it, `{server}__{tool}`. Made when somebody asks for one so, as the page of an app does.

use std::sync::OnceLock;

use crate::ids::SEPARATOR;

/// The places of those, in the order of what is behind the first separator of their names.
#[derive(Debug, Default)]
pub(super) struct Behind(OnceLock<Box<[u32]>>);

impl Behind {
    /// The places of those that are called `own` there, of all that are `offered`.
    pub(super) fn find<'n>(
        &self,
        (offered, name): (&[u32], impl Fn(u32) -> &'n str),
        own: &str,
    ) -> &[u32] {
        let own_of = |place: u32| behind(name(place)).unwrap_or_default();
        let all = self.0.get_or_init(|| {
            let all = offered.iter().copied();
            let mut all: Vec<u32> = all.filter(|place| behind(name(*place)).is_some()).collect();
            all.sort_by_key(|place| own_of(*place));
            all.into()
        });
        let start = all.partition_point(|place| own_of(*place) < own);
        let end = all.partition_point(|place| own_of(*place) <= own);
        all.get(start..end).unwrap_or_default()
    }
}

fn behind(name: &str) -> Option<&str> {
    name.split_once(SEPARATOR).map(|(_, own)| own)
}

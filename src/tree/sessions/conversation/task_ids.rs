//! What a client knows a task by: the name of its server, and the id there. Where clients show tokens a
//! seal between them says whose it is: such a server sees one caller, the gateway, so that it cannot see
//! to it itself that nobody asks for another's task. Seals hold over a restart of the gateway.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::ids::Owner;
use crate::protocol::modern::tasks::{self, Told};
use crate::tree::sessions::signing::Signer;

/// What is signed begins with it, and nothing else that the same key signs does.
const PREFIX: &str = "mcproxy.task.";

/// The ids of one client.
#[derive(Debug, Default)]
pub(in super::super) struct TaskIds(Option<(Signer, Owner)>);

impl TaskIds {
    /// Those of `owner`. Nothing is sealed where nobody shows a token.
    pub(in super::super) fn of(owner: Owner, signer: &Signer) -> Self {
        Self((!owner.is_anybody()).then(|| (signer.clone(), owner)))
    }

    /// What tells of a task of `server`, as its client knows it.
    pub(super) fn outward(&self, server: &str, told: &Told) -> Option<Bytes> {
        let Some((signer, owner)) = &self.0 else {
            return Some(told.outward(server));
        };
        let seal = signer.seal(&signed(server, told.id()), *owner)?;
        let seal = URL_SAFE_NO_PAD.encode(seal);
        Some(told.outward(&format!("{server}.{seal}")))
    }

    /// An id as it is without its seal; `None` if that is not this client's.
    pub(super) fn opened<'a>(&self, id: &'a str) -> Option<Cow<'a, str>> {
        let Some((signer, owner)) = &self.0 else {
            return Some(id.into());
        };
        let (sealed, own) = tasks::split(id)?;
        let (server, seal) = sealed.split_once('.')?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let is_its = signer.is_seal(&signed(server, own), *owner, &seal);
        is_its.then(|| tasks::join(server, own).into())
    }
}

fn signed(server: &str, id: &str) -> Vec<u8> {
    [PREFIX, &tasks::join(server, id)].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: &str) -> Told {
        let body = serde_json::json!({ "taskId": id }).to_string();
        Told::read(&Bytes::from(body)).unwrap()
    }

    #[test]
    fn a_sealed_id_is_its_client_s_alone() {
        let signer = Signer::load(None);
        let of = |owner| TaskIds::of(owner, &signer);
        let (one, other) = (of(Owner::of([1; 32])), of(Owner::of([2; 32])));
        for id in ["7", "a:b.c", "two.x:7"] {
            let shown = Told::read(&one.outward("s", &told(id)).unwrap()).unwrap();
            let own = format!("s:{id}");
            assert_eq!(one.opened(shown.id()).as_deref(), Some(own.as_str()));
            assert_eq!(other.opened(shown.id()), None);
            let another = shown.id().replacen("s.", "t.", 1);
            assert_eq!(one.opened(&another), None, "of another server");
            assert_eq!((one.opened(&own), one.opened(id)), (None, None));
            let open = TaskIds::default();
            let shown = Told::read(&open.outward("s", &told(id)).unwrap()).unwrap();
            assert_eq!(
                (shown.id(), open.opened(&own).as_deref()),
                (&*own, Some(&*own))
            );
        }
        let unsealed = of(Owner::ANYBODY).outward("s", &told("7"));
        assert_eq!(unsealed.unwrap(), r#"{"taskId":"s:7"}"#);
    }
}

//! What must hold of whatever a client sends as the id of its session: checked by the fuzz targets
//! and by the tests that replay what those found.

use super::{Signed, Signer};
use crate::ids::Owner;
use crate::protocol::mcp::lifecycle;

/// No id but one that was signed here is taken: not the data itself, and not one of ours with a
/// byte changed by it.
pub(crate) fn session_id(data: &[u8]) {
    let signer = Signer::new(vec![[7; super::key::SIZE]], None);
    let text = String::from_utf8_lossy(data);
    let taken = signer.verify(&text, Owner::ANYBODY);
    let own = Signed {
        random: 0x00c0_ffee,
        client: lifecycle::client_info(None),
        issued_at: 1_700_000_000,
    };
    let ours = signer.sign(&own, Owner::ANYBODY);
    if let Some(taken) = taken {
        assert_eq!(
            signer.sign(&taken, Owner::ANYBODY),
            text,
            "an id of somebody else's"
        );
    }
    assert_eq!(signer.verify(&ours, Owner::ANYBODY), Some(own));
    let mut forged = ours.clone().into_bytes();
    for pair in data.chunks_exact(2) {
        let [at, with] = pair else {
            continue;
        };
        let at = usize::from(*at) % forged.len();
        if let Some(byte) = forged.get_mut(at) {
            *byte = *with;
        }
    }
    let forged = String::from_utf8_lossy(&forged);
    assert!(
        forged == ours || signer.verify(&forged, Owner::ANYBODY).is_none(),
        "{forged}"
    );
    let stranger = Owner::of([9; 32]);
    assert_eq!(signer.verify(&ours, stranger), None, "another owner's id");
    let other = Signer::new(vec![[8; super::key::SIZE]], None);
    assert_eq!(other.verify(&ours, Owner::ANYBODY), None);
}

//! What one server offers: as it told it, and as clients see it where changes of its tools are held back.

use std::sync::Arc;

use tokio::time::Instant;

use super::catalogue::{Catalogue, Gap};
use super::held::Held;
use super::hold::{Approved, Hold};
use crate::config::model::{OnChangedTools, View};
use crate::ids::Generation;
use crate::protocol::mcp::item::Kind;

/// What one server offers.
#[derive(Debug, Default)]
pub(super) struct Told {
    catalogue: Option<Arc<Catalogue>>,
    hold: Option<Hold>,
    shown: Option<Arc<Catalogue>>,
    held: Arc<Vec<Held>>,
}

impl Told {
    /// As it was known before, with what was approved then, if that was kept.
    pub(super) fn known(
        catalogue: Option<Arc<Catalogue>>,
        approved: Option<Approved>,
        view: &View,
    ) -> Self {
        let hold = approved.map(Hold::of);
        let mut told = Self {
            catalogue,
            hold,
            ..Self::default()
        };
        told.seen_by(view, None);
        told
    }

    /// As the server told it.
    pub(super) fn catalogue(&self) -> Option<&Arc<Catalogue>> {
        self.catalogue.as_ref()
    }

    /// As clients see it.
    pub(super) fn shown(&self) -> Option<&Arc<Catalogue>> {
        self.shown.as_ref()
    }

    /// What they do not see.
    pub(super) fn held(&self) -> &Arc<Vec<Held>> {
        &self.held
    }

    /// What is to be kept of what is approved.
    pub(super) fn approved(&self) -> Option<Approved> {
        self.hold.as_ref().map(|hold| hold.approved().clone())
    }

    /// A life of the server says this of its tools, as far as it says anything: what stands for a list that has not come
    /// is not its word.
    pub(super) fn hear(&mut self, life: Generation, told: &Catalogue) {
        let gap = told.gaps.get(&Kind::Tools);
        let has_come = !matches!(gap, Some(Gap::Awaited | Gap::Silent | Gap::Unread(_)));
        if let Some(hold) = self.hold.as_mut().filter(|_| has_come) {
            hold.told(&told.tools, life, gap == Some(&Gap::Paging));
        }
    }

    /// This is what it offers now, what was before in the place of what did not come. Says whether clients see anything
    /// else than before.
    pub(super) fn offers(&mut self, catalogue: Arc<Catalogue>) -> bool {
        self.catalogue = Some(catalogue);
        self.look()
    }

    /// The entry says this now. What is run is something else after the life `renewed`, if it is.
    pub(super) fn seen_by(&mut self, view: &View, renewed: Option<Generation>) {
        if view.on_changed_tools == OnChangedTools::Offer {
            self.hold = None;
        } else if self.hold.is_none() {
            self.hold = Some(match &self.catalogue {
                Some(known) => Hold::of(Approved::of(&known.tools)),
                None => Hold::first(),
            });
        }
        if let (Some(hold), Some(last)) = (&mut self.hold, renewed) {
            hold.renew(last);
        }
        self.look();
    }

    /// Whether changes are held back.
    pub(super) fn holds(&self) -> bool {
        self.hold.is_some()
    }

    /// Somebody approves what is held: clients see it from now on.
    pub(super) fn approve(&mut self) {
        if let (Some(hold), Some(catalogue)) = (&mut self.hold, &self.catalogue) {
            hold.approve(&catalogue.tools);
        }
        self.look();
    }

    fn look(&mut self) -> bool {
        let before = (self.shown.take(), Arc::clone(&self.held));
        let (shown, back) = match (&self.catalogue, &mut self.hold) {
            (Some(told), Some(hold)) => {
                let (tools, back) = hold.look(&told.tools, Instant::now());
                let shown = if back.is_empty() {
                    Arc::clone(told)
                } else {
                    let former = before.0.as_ref().map(|shown| &shown.tools);
                    let former = former.filter(|former| **former == tools).cloned();
                    let tools = former.unwrap_or(tools);
                    let told = Catalogue::clone(told);
                    Arc::new(Catalogue { tools, ..told })
                };
                (Some(shown), back)
            }
            (told, _) => (told.clone(), Vec::new()),
        };
        (self.shown, self.held) = (shown, Arc::new(back));
        before != (self.shown.clone(), Arc::clone(&self.held))
    }
}

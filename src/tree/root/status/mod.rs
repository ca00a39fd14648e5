//! What is told of the tree: the shapes it is told in, and the books that root keeps for it. Root writes here,
//! and answers from here (`answers.rs`); nothing here knows root.

mod book;
mod definitions;
mod events;
mod figures;
mod gaps;
mod shapes;
mod standing;

pub(super) use book::StatusBook;
pub(super) use definitions::{Definitions, say as say_change};
pub use events::StatusEvent;
pub(super) use figures::Sampler;
pub use figures::{CallsStatus, ProcessesStatus};
pub(super) use gaps::{left_out, unread};
pub use shapes::{
    ConfigurationStatus, ProfileStatus, ServerDetail, ServerStatus, ServerTools, TreeStatus,
};
pub use standing::Standing;

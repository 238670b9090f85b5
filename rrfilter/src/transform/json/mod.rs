//! JSON documents changed by splicing their text: what is not spoken of keeps its bytes.

mod document;
mod edit;
mod equal;
mod patch;
mod pointer;
mod template;
mod walk;

pub(crate) use self::document::Document;
pub(crate) use self::edit::Edit;
pub use self::patch::PatchOperation;
pub use self::pointer::JsonPointer;
pub use self::template::JsonTemplate;
pub(crate) use self::walk::{Member, members};

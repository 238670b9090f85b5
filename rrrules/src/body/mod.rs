//! What rules ask of a body: JSON, forms and GraphQL, under limits and in every reading.

mod asked;
mod call;
mod check;
mod content;
mod form;
#[cfg(feature = "graphql")]
mod graphql;
mod inspection;
mod memo;
mod not_inspectable;
mod operation;
mod outline;
mod paths;
mod place;
mod plan;
mod table;
mod walk;

#[cfg(test)]
mod tests;

pub use self::check::BodyCheck;
pub(crate) use self::content::Content;
pub(crate) use self::inspection::Inspection;
#[cfg(test)]
pub(crate) use self::not_inspectable::NotInspectable;
pub(crate) use self::plan::BodyPlan;

//! One condition on a body.

use crate::pattern::{Pattern, Presence};

/// One condition on the body of a request.
///
/// A body is JSON, a form (`application/x-www-form-urlencoded`) or GraphQL text
/// (`application/graphql`), under a `Content-Encoding` or none. Whatever else it is called, it is
/// read as JSON: a wrong or missing `Content-Type` hides nothing. No body is a document without
/// anything in it. What cannot be read, or has two readings (two members of one name), cannot be
/// inspected: then no rule of the set that looks at bodies can allow.
///
/// - JSON: every value below the root, objects and arrays too, has a path: the names and indexes
///   that lead to it, with dots between them, such as `items.0.id`. The root's is empty.
/// - Forms: each name is a path, as it is. A `Deny` also finds `user[role]` as `user.role`.
/// - JSON-RPC, MCP: `method`, `params.name` and so on. Of a batch (an array with at least one
///   object that has a member `jsonrpc`), each call is judged by itself, its paths starting at it.
/// - GraphQL (feature `graphql`, for a `path` with the word `graphql` in it):
///   `graphql.operationType` (`query`, `mutation`, `subscription`), `graphql.operationName`, and
///   `graphql.fields.0`, `graphql.fields.1` and so on: the names of the fields at the top, without
///   aliases, fragments followed. Each operation of a document, and of one in the parameter `query`
///   of the URL, is judged by itself. A request that has none but names one that the server knows
///   (`documentId`, a text as `id`, `extensions.persistedQuery`) cannot be inspected: give rules on
///   GraphQL the path that it is served at.
///
/// A name with a dot in it could be two names: it can make a `Deny` hold, but no `Allow`.
///
/// # Caveats
///
/// Names are compared as they are. For a server that takes `Method` for `method`, give the flag
/// `i`. An index and a member named like one are alike: `{"a":{"0":1}}` and `{"a":[1]}` both have
/// `a.0`.
///
/// ```
/// use rrrules::{BodyCheck, Pattern, Presence};
///
/// let deletes = BodyCheck {
///     path: Pattern::new(r"^params\.name$", "")?,
///     value: Some(Pattern::new("^delete_", "")?),
///     presence: Presence::Present,
/// };
/// assert_eq!(deletes.unsupported(), None);
/// # Ok::<(), rrrules::PatternError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyCheck {
    /// Which values are looked at, by their paths.
    pub path: Pattern,
    /// What they are asked for; `None` asks for the path only.
    ///
    /// Only strings, numbers, `true`, `false` and `null` have a text that can match: a string what
    /// it says after undoing escapes, the others as they are written.
    pub value: Option<Pattern>,
    /// Whether the check holds when something matches path and value, or when nothing does.
    pub presence: Presence,
}

/// A check, and what was found out about it once.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) check: BodyCheck,
    pub(super) is_for_graphql: bool,
}

impl BodyCheck {
    /// Why this build cannot judge the check, if it cannot: it asks for GraphQL without the
    /// feature `graphql`. To be asked where configuration is read; a check that is used anyway
    /// finds that no body can be inspected.
    #[must_use]
    pub fn unsupported(&self) -> Option<&'static str> {
        let is_supported = cfg!(feature = "graphql") || !self.is_for_graphql();
        (!is_supported).then_some("rules on GraphQL need the feature `graphql`")
    }

    fn is_for_graphql(&self) -> bool {
        self.path.source().to_ascii_lowercase().contains("graphql")
    }
}

impl From<BodyCheck> for Known {
    fn from(check: BodyCheck) -> Self {
        Self { is_for_graphql: check.is_for_graphql(), check }
    }
}

//! Content codings (RFC 9110 §8.4), decoded under a limit.

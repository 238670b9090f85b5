//! What clients of well-known APIs send passes as they meant it.

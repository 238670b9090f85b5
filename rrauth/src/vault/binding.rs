//! What a sealed secret belongs to.

/// What a record is bound to: it opens for exactly the binding it was sealed for, so that nobody
/// who can write the store can pass one credential's secret off as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The id of the tenant.
    pub client: &'a str,
    /// The id of the credential.
    pub credential: &'a str,
    /// The version of the credential's secret, counting up with each rotation.
    pub version: u32,
    /// What the secret is for, such as `target` or `oauth2.refresh`.
    pub purpose: &'a str,
}

impl Binding<'_> {
    /// The associated data of a record: every field with its length, so that no two bindings read
    /// the same.
    pub(crate) fn associated_data(&self, label: &str, head: &[u8]) -> Vec<u8> {
        let mut data = Vec::new();
        for field in [label, self.client, self.credential, self.purpose] {
            push(&mut data, field.as_bytes());
        }
        push(&mut data, &self.version.to_be_bytes());
        push(&mut data, head);
        data
    }
}

/// Appends `field` after its length, 8 bytes big-endian.
pub(crate) fn push(data: &mut Vec<u8>, field: &[u8]) {
    data.extend_from_slice(&(field.len() as u64).to_be_bytes());
    data.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bindings_read_the_same() {
        let data = |client, credential, version, purpose| {
            Binding { client, credential, version, purpose }.associated_data("l", b"h")
        };
        let all = [
            data("a", "b", 1, "c"),
            data("ab", "", 1, "c"),
            data("", "ab", 1, "c"),
            data("a", "", 1, "bc"),
            data("a", "b", 256, "c"),
            data("b", "a", 1, "c"),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }
}

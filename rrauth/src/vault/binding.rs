//! What a sealed secret belongs to.

use crate::vault::key_id::KeyId;
use crate::vault::record::Format;

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
    /// The associated data of one of a record's two ciphertexts, which `label` names: every field
    /// with its length, so that no two bindings read the same.
    pub(crate) fn associated_data(&self, format: Format, key: KeyId, label: &str) -> Vec<u8> {
        let (label, client) = (label.as_bytes(), self.client.as_bytes());
        let (credential, purpose) = (self.credential.as_bytes(), self.purpose.as_bytes());
        let (version, format_byte, key) = (&self.version.to_be_bytes(), format.byte(), key.bytes());
        match format {
            Format::One => {
                let [a, b, c, d, e, f, g, h] = key;
                let head = &[format_byte, a, b, c, d, e, f, g, h];
                joined(&[label, client, credential, purpose, version, head])
            }
            Format::Two => {
                joined(&[&[format_byte], client, credential, version, purpose, &key, label])
            }
        }
    }
}

/// The fields, each after its length (8 bytes, big-endian).
pub(crate) fn joined(fields: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(fields.iter().map(|it| it.len() + 8).sum());
    for field in fields {
        joined.extend_from_slice(&(field.len() as u64).to_be_bytes());
        joined.extend_from_slice(field);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bindings_read_the_same() {
        let data = |format, client, credential, version, purpose| {
            let binding = Binding { client, credential, version, purpose };
            binding.associated_data(format, KeyId::new([7; 8]), "l")
        };
        let all = [Format::One, Format::Two].map(|it| {
            [
                data(it, "a", "b", 1, "c"),
                data(it, "ab", "", 1, "c"),
                data(it, "", "ab", 1, "c"),
                data(it, "a", "", 1, "bc"),
                data(it, "a", "b", 256, "c"),
                data(it, "b", "a", 1, "c"),
            ]
        });
        let all = all.concat();
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| one != other), "{i}");
        }
    }

    #[test]
    fn keys_and_ciphertexts_do_not_read_the_same() {
        let binding = Binding { client: "c", credential: "d", version: 1, purpose: "p" };
        let data = |key, label| binding.associated_data(Format::Two, KeyId::new([key; 8]), label);
        assert_ne!(data(1, "a"), data(2, "a"));
        assert_ne!(data(1, "a"), data(1, "b"));
    }
}

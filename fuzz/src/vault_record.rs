//! Any bytes as a sealed record: they open exactly where they were sealed.

use std::sync::LazyLock;

use rrauth::{Binding, KeyId, MasterKey, Vault};

/// The first byte says where a record is asked for, and what the others are: a record as it is, or
/// how one of [`RECORDS`] is changed (a place and a byte, again and again).
///
/// # Panics
/// When anything but a whole record opens, or opens elsewhere, or to something else; when an error
/// does not say in one line what is wrong.
pub fn check(data: &[u8]) {
    let Some((selector, rest)) = data.split_first() else { return };
    let (binding, _) = BINDINGS[usize::from(selector & 3)];
    let record = match selector >> 2 {
        0 => rest.to_vec(),
        number => changed(&RECORDS[usize::from(number) % RECORDS.len()].sealed, rest),
    };
    let whole = RECORDS.iter().find(|it| it.sealed == record && it.binding == binding);
    match VAULT.open(&binding, &record) {
        Ok(plaintext) => {
            let whole = whole.expect("what opens was sealed here");
            assert_eq!(*plaintext, whole.plaintext);
            check_reseal(&binding, &record, whole);
        }
        Err(error) => {
            assert!(whole.is_none(), "{error}");
            assert_ne!(error.is_damaged(), error.is_other_key());
            let said = error.to_string();
            assert!(!said.is_empty() && !said.chars().any(char::is_control), "{said:?}");
            assert!(VAULT.reseal(&binding, &record).is_err());
        }
    }
}

fn check_reseal(binding: &Binding<'_>, record: &[u8], whole: &Sealed) {
    let is_current = record[0] == 2 && KeyId::of_record(record) == Some(VAULT.key_id());
    assert_eq!(VAULT.needs_reseal(record), !is_current);
    let anew = VAULT.reseal(binding, record).expect("what opens is sealed anew");
    assert!(!VAULT.needs_reseal(&anew) && anew != record);
    assert_eq!(*VAULT.open(binding, &anew).expect("and opens"), whole.plaintext);
}

// Two bytes each: the first a place, or 255 for what is done to the end; the second what is done.
fn changed(sealed: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut record = sealed.to_vec();
    for change in changes.chunks_exact(2) {
        let [place, byte] = [change[0], change[1]];
        match record.get_mut(usize::from(place)) {
            Some(it) => *it ^= byte,
            None if byte & 1 == 0 => record.push(byte),
            None => record.truncate(record.len().saturating_sub(usize::from(byte))),
        }
    }
    record
}

struct Sealed {
    binding: Binding<'static>,
    plaintext: &'static [u8],
    sealed: Vec<u8>,
}

const BINDINGS: [(Binding<'_>, &[u8]); 4] = [
    (binding("default", "cred_1", 7), b"sk_live_canary_4eC39HqLyjWDarjtT1zdp7dc"),
    (binding("default", "cred_1", 1), b""),
    (binding("mallory", "cred_1", 7), b"of another tenant"),
    (binding("default", "cred_2", 7), b"of another credential"),
];

const fn binding(client: &'static str, credential: &'static str, version: u32) -> Binding<'static> {
    Binding { client, credential, version, purpose: "target" }
}

static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::new(key(NEW)).older(key(OLD)));

// Under the new key, under the old one, and two of the first format.
static RECORDS: LazyLock<Vec<Sealed>> = LazyLock::new(|| {
    let seal = |vault: &Vault| {
        let all = BINDINGS.map(|(binding, plaintext)| {
            let sealed = vault.seal(&binding, plaintext).expect("there is randomness");
            Sealed { binding, plaintext, sealed }
        });
        Vec::from(all)
    };
    let mut all = seal(&VAULT);
    all.extend(seal(&Vault::new(key(OLD))));
    all.extend([(BINDINGS[0], FIRST_FORMAT), (BINDINGS[1], FIRST_FORMAT_EMPTY)].map(
        |((binding, plaintext), sealed)| Sealed { binding, plaintext, sealed: bytes(sealed) },
    ));
    all
});

fn key(digits: &str) -> MasterKey {
    let bytes = bytes(digits).try_into().expect("32 bytes");
    MasterKey::from_bytes(bytes).expect("a good key")
}

fn bytes(digits: &str) -> Vec<u8> {
    let byte = |it: &[u8]| {
        let digits = std::str::from_utf8(it).expect("digits");
        u8::from_str_radix(digits, 16).expect("digits")
    };
    digits.as_bytes().chunks_exact(2).map(byte).collect()
}

const NEW: &str = "c4c83e3fd7f9e2d27f34d0a3d8d2b35a5df5a7e10c1f0d4e6a9b8c7710f2e39d";
// Records of the first format were made with it before there was a second.
const OLD: &str = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";
const FIRST_FORMAT: &str = "019f21431332d89aa255d0c5d03a32953398321584cbe0bab552b621c47e970a51180a66\
    fd1ed3e48b4518ead2deb51f5eaed25d66633e88ee3e06e06a6510d8cc234dfbee3b6161a8bff7db87f0800d51ae07\
    987cce49aeb0f5664d2163def7b273f6d5d023e34c878d21c13ddf590a6ab5ea120ac5a85ea74b958291cc7070986f\
    764051036cd2";
const FIRST_FORMAT_EMPTY: &str = "019f21431332d89aa28b764328f4baa465473229ca6328b513ab904b5bf964e59d\
    fa792ef335a6ab3572972c39f4b16755104488f06916e6f339cb514ea8ad6732524e38f42dcbff7dafde46296f4c93\
    313c5a3b6d41c3f1cc4270a89c2b722a6b";

//! What a sealed record withstands.
#![cfg(test)] // tells clippy that this may panic

use std::collections::HashSet;

use rrauth::{Binding, MasterKey, Vault};

const BINDING: Binding<'_> =
    Binding { client: "default", credential: "cred_1", version: 7, purpose: "target" };
const SECRET: &[u8] = b"sk_live_canary_4eC39HqLyjWDarjtT1zdp7dc";

#[test]
fn what_is_sealed_opens_again_whatever_its_length() {
    let vault = vault(7);
    for length in [0, 1, 15, 16, 17, 4096, 1 << 20] {
        let plaintext = vec![b'x'; length];
        let sealed = vault.seal(&BINDING, &plaintext).unwrap();
        assert_eq!(sealed.len(), length + 97);
        assert_eq!(*vault.open(&BINDING, &sealed).unwrap(), plaintext);
    }
}

#[test]
fn another_process_with_the_same_master_key_opens_it() {
    let sealed = vault(7).seal(&BINDING, SECRET).unwrap();
    assert_eq!(*vault(7).open(&BINDING, &sealed).unwrap(), SECRET);
}

#[test]
fn a_record_opens_for_its_own_binding_only() {
    let others = [
        Binding { client: "defaul", credential: "tcred_1", ..BINDING },
        Binding { client: "mallory", ..BINDING },
        Binding { credential: "cred_2", ..BINDING },
        Binding { version: 6, ..BINDING },
        Binding { version: 8, ..BINDING },
        Binding { purpose: "proxy", ..BINDING },
        Binding { client: "cred_1", credential: "default", ..BINDING },
        Binding { client: "", ..BINDING },
    ];
    let vault = vault(7);
    let sealed = vault.seal(&BINDING, SECRET).unwrap();
    for other in others {
        assert!(vault.open(&other, &sealed).unwrap_err().is_damaged(), "{other:?}");
        let theirs = vault.seal(&other, SECRET).unwrap();
        assert!(vault.open(&BINDING, &theirs).unwrap_err().is_damaged(), "{other:?}");
    }
}

#[test]
fn another_master_key_opens_nothing_and_is_named() {
    let sealed = vault(7).seal(&BINDING, SECRET).unwrap();
    let error = vault(8).open(&BINDING, &sealed).unwrap_err();
    assert!(error.is_other_key() && !error.is_damaged());
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn every_single_bit_counts() {
    let vault = vault(7);
    let sealed = vault.seal(&BINDING, SECRET).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(vault.open(&BINDING, &changed).is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(vault.open(&BINDING, &sealed[..length]).is_err(), "length {length}");
    }
}

#[test]
fn ten_thousand_random_changes_are_all_noticed() {
    let vault = vault(7);
    let records: Vec<_> = (0..8).map(|_| vault.seal(&BINDING, SECRET).unwrap()).collect();
    let mut random = SplitMix(0x5eed);
    for round in 0..10_000 {
        let mut changed = records[random.below(8)].clone();
        let place = random.below(changed.len());
        match random.below(6) {
            0 => changed[place] ^= 1 << random.below(8),
            1 => changed[place] = changed[place].wrapping_add(1 + random.below(255) as u8),
            2 => changed.truncate(place),
            3 => changed.extend((0..=random.below(40)).map(|_| 0)),
            4 => {
                changed.insert(place, random.below(256) as u8);
            }
            // The tail of one record on the head of another.
            _ => {
                let other = &records[random.below(8)];
                changed.truncate(place);
                changed.extend_from_slice(&other[place..]);
            }
        }
        if !records.contains(&changed) {
            assert!(vault.open(&BINDING, &changed).is_err(), "round {round}: {changed:?}");
        }
    }
}

#[test]
fn records_of_one_secret_share_nothing_and_nonces_do_not_repeat() {
    let vault = vault(7);
    let mut nonces = HashSet::new();
    for _ in 0..10_000 {
        let sealed = vault.seal(&BINDING, b"same").unwrap();
        assert!(nonces.insert(sealed[9..21].to_vec()));
        assert!(nonces.insert(sealed[69..81].to_vec()));
    }
}

#[test]
fn the_plaintext_is_not_in_the_record() {
    let sealed = vault(7).seal(&BINDING, SECRET).unwrap();
    assert!(!sealed.windows(6).any(|it| it == b"canary"));
}

#[test]
fn a_fingerprint_follows_the_secret_and_the_tenant_only() {
    let ours = vault(7).fingerprint(&BINDING, SECRET);
    assert_eq!(ours.len(), 8);
    assert!(ours.bytes().all(|it| it.is_ascii_hexdigit()));

    let same = Binding { credential: "cred_2", version: 8, ..BINDING };
    assert_eq!(vault(7).fingerprint(&same, SECRET), ours);
    let theirs = Binding { client: "mallory", ..BINDING };
    assert_ne!(vault(7).fingerprint(&theirs, SECRET), ours);
    assert_ne!(vault(7).fingerprint(&BINDING, b"other"), ours);
    assert_ne!(vault(8).fingerprint(&BINDING, SECRET), ours);
}

#[test]
fn a_vault_prints_neither_keys_nor_secrets() {
    let key = MasterKey::from_bytes([b'k'; 32]).unwrap();
    assert!(!format!("{key:?}").contains("107"));
    let vault = Vault::new(key);
    assert!(!format!("{vault:?}").contains("6b6b"), "{vault:?}");
}

fn vault(key: u8) -> Vault {
    Vault::new(MasterKey::from_bytes([key; 32]).unwrap())
}

/// Steele, Lea and Flood's generator: the same changes in every run.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % end
    }
}

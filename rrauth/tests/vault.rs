//! What a sealed record withstands.
#![cfg(test)] // tells clippy that this may panic

use std::collections::HashSet;

use rrauth::{Binding, KeyId, MasterKey, Vault};

const BINDING: Binding<'_> =
    Binding { client: "default", credential: "cred_1", version: 7, purpose: "target" };
const SECRET: &[u8] = b"sk_live_canary_4eC39HqLyjWDarjtT1zdp7dc";

#[test]
fn what_is_sealed_opens_again_whatever_its_length() {
    let vault = vault(7);
    for length in [0, 1, 15, 16, 17, 4096, 1 << 20] {
        let plaintext = vec![b'x'; length];
        let sealed = vault.seal(&BINDING, &plaintext).unwrap();
        assert_eq!(sealed.len(), length + 101);
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
fn a_hundred_thousand_changes_are_all_noticed() {
    let mut random = SplitMix(0x5eed);
    let vault = vault(7);
    let rows = Row::all(&vault);
    for round in 0..100_000 {
        let (here, there) = (&rows[random.below(rows.len())], &rows[random.below(rows.len())]);
        let mut changed = here.sealed.clone();
        let place = random.below(changed.len());
        let rest = changed.len() - place;
        match random.below(8) {
            0 => changed[place] ^= 1 << random.below(8),
            1 => changed[place] = changed[place].wrapping_add(1 + random.below(255) as u8),
            2 => changed.truncate(place),
            3 => changed.extend((0..=random.below(40)).map(|_| random.below(256) as u8)),
            4 => changed[place..place + 1 + random.below(rest)].fill(0),
            5 => changed.insert(place, random.below(256) as u8),
            // The tail of another row on the head of this one.
            6 => {
                changed.truncate(place);
                changed.extend(there.sealed.iter().skip(place));
            }
            // Another row in the place of this one: of another credential, tenant, version, purpose
            // or format, or an earlier record of the same.
            _ => changed.clone_from(&there.sealed),
        }
        let is_whole = rows.iter().any(|it| it.binding == here.binding && it.sealed == changed);
        let opened = vault.open(&here.binding, &changed);
        assert_eq!(opened.is_ok(), is_whole, "round {round}: {changed:?}");
    }
}

#[test]
fn records_of_one_secret_share_nothing_and_nonces_do_not_repeat() {
    let vault = vault(7);
    let mut nonces = HashSet::new();
    for _ in 0..10_000 {
        let sealed = vault.seal(&BINDING, b"same").unwrap();
        assert!(nonces.insert(sealed[13..25].to_vec()));
        assert!(nonces.insert(sealed[25..73].to_vec()));
        assert!(nonces.insert(sealed[73..85].to_vec()));
    }
}

#[test]
fn a_record_carries_its_format_its_key_and_its_version() {
    let sealed = vault(7).seal(&BINDING, SECRET).unwrap();
    assert_eq!(sealed[0], 2);
    assert_eq!(KeyId::of_record(&sealed), Some(vault(7).key_id()));
    assert_eq!(sealed[9..13], 7_u32.to_be_bytes());
    assert_eq!(KeyId::of_record(&sealed[..12]), None);
    assert_eq!(KeyId::of_record(&[9; 200]), None);
}

#[test]
fn records_of_the_first_format_still_open_and_are_made_anew() {
    let bytes: [u8; 32] = bytes(OLD_KEY).try_into().unwrap();
    let vault = Vault::new(MasterKey::from_bytes(bytes).unwrap());
    for (version, sealed, secret) in
        [(7, OLD_RECORD, SECRET), (1, OLD_EMPTY, &b""[..])].map(|(a, b, c)| (a, self::bytes(b), c))
    {
        let binding = Binding { version, ..BINDING };
        assert_eq!(*vault.open(&binding, &sealed).unwrap(), secret);
        assert!(vault.needs_reseal(&sealed));
        let other = Binding { version: version + 1, ..BINDING };
        assert!(vault.open(&other, &sealed).unwrap_err().is_damaged());
        let anew = vault.reseal(&binding, &sealed).unwrap();
        assert!(!vault.needs_reseal(&anew));
        assert_eq!(*vault.open(&binding, &anew).unwrap(), secret);

        // A format is not changed by writing another number.
        let mut renumbered = sealed;
        renumbered[0] = 2;
        assert!(vault.open(&binding, &renumbered).is_err());
        renumbered.splice(9..9, version.to_be_bytes());
        assert!(vault.open(&binding, &renumbered).is_err());
        let mut renumbered = anew;
        renumbered[0] = 1;
        assert!(vault.open(&binding, &renumbered).is_err());
        renumbered.drain(9..13);
        assert!(vault.open(&binding, &renumbered).is_err());
    }
    assert_eq!(vault.fingerprint(&BINDING, SECRET), "701ff8cb");
}

#[test]
fn a_format_of_the_future_is_named() {
    let mut sealed = vault(7).seal(&BINDING, SECRET).unwrap();
    sealed[0] = 3;
    let error = vault(7).open(&BINDING, &sealed).unwrap_err();
    assert!(error.is_damaged() && error.to_string().ends_with("(3)"), "{error}");
}

#[test]
fn a_vault_seals_under_its_first_key_and_opens_under_all() {
    let olds = [vault(1), vault(2)].map(|it| it.seal(&BINDING, SECRET).unwrap());
    let ring = Vault::new(key(3)).older(key(2)).older(key(1)).older(key(3));
    for old in &olds {
        assert_eq!(*ring.open(&BINDING, old).unwrap(), SECRET);
        assert!(ring.needs_reseal(old));
        let new = ring.reseal(&BINDING, old).unwrap();
        assert_eq!(KeyId::of_record(&new), Some(key(3).id()));
        assert!(!ring.needs_reseal(&new));
        assert_eq!(*vault(3).open(&BINDING, &new).unwrap(), SECRET);
        assert!(vault(2).open(&BINDING, &new).unwrap_err().is_other_key());
    }
    let new = ring.seal(&BINDING, SECRET).unwrap();
    assert_eq!(*vault(3).open(&BINDING, &new).unwrap(), SECRET);
    assert!([1, 2, 3].iter().all(|it| ring.has_key(key(*it).id())) && !ring.has_key(key(4).id()));
    let stranger = vault(4).seal(&BINDING, SECRET).unwrap();
    let error = ring.reseal(&BINDING, &stranger).unwrap_err();
    assert!(error.is_other_key());
    for known in [1, 2, 3, 4] {
        assert_eq!(error.to_string().matches(&key(known).id().to_string()).count(), 1, "{error}");
    }
}

#[test]
fn a_new_key_takes_over_and_old_ones_are_let_go() {
    let mut vault = vault(1);
    let mut old = vault.seal(&BINDING, SECRET).unwrap();
    for new in [2, 3, 1, 1] {
        vault.rotate(key(new));
        assert_eq!(vault.key_id(), key(new).id());
        assert_eq!(*vault.open(&BINDING, &old).unwrap(), SECRET);
        assert_eq!(
            vault.fingerprint(&BINDING, SECRET),
            self::vault(new).fingerprint(&BINDING, SECRET)
        );
        old = vault.reseal(&BINDING, &old).unwrap();
    }
    assert_eq!(format!("{vault:?}").matches(&key(1).id().to_string()).count(), 1);
    assert!(vault.has_key(key(2).id()));
    vault.forget_older();
    assert_eq!(*vault.open(&BINDING, &old).unwrap(), SECRET);
    assert!(!vault.has_key(key(2).id()) && !vault.has_key(key(3).id()));
}

#[test]
fn what_is_damaged_is_not_made_anew() {
    let ring = Vault::new(key(2)).older(key(1));
    let sealed = vault(1).seal(&BINDING, SECRET).unwrap();
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(ring.reseal(&BINDING, &changed).unwrap_err().is_damaged());
    assert!(ring.reseal(&Binding { version: 8, ..BINDING }, &sealed).unwrap_err().is_damaged());
    assert!(ring.needs_reseal(b"") && ring.reseal(&BINDING, b"").unwrap_err().is_damaged());
}

#[test]
fn a_key_id_says_nothing_about_the_key() {
    let (id, bytes) = (key(7).id().to_string(), key_bytes(7));
    assert_eq!((id.len(), key(7).id()), (16, key(7).id()));
    assert_ne!(key(7).id(), key(8).id());
    let digits: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    assert!((0..=12).all(|it| !digits.contains(&id[it..it + 4])), "{id} {digits}");
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
    let digits: String = key_bytes(7).iter().map(|it| format!("{it:02x}")).collect();
    let printed = format!("{:?} {:?}", key(7), Vault::new(key(7)).older(key(8)));
    assert!((0..=56).all(|it| !printed.contains(&digits[it..it + 8])), "{printed}");
    assert!(!printed.contains(&format!("{}, {}", key_bytes(7)[0], key_bytes(7)[1])), "{printed}");
}

/// A record where it belongs.
struct Row {
    binding: Binding<'static>,
    sealed: Vec<u8>,
}

impl Row {
    fn all(vault: &Vault) -> Vec<Self> {
        let bindings = [
            BINDING,
            BINDING,
            Binding { client: "mallory", ..BINDING },
            Binding { credential: "cred_2", ..BINDING },
            Binding { version: 8, ..BINDING },
            Binding { purpose: "oauth2.refresh", ..BINDING },
        ];
        let sealed = |(index, binding)| {
            let secret = SECRET.repeat(index);
            Self { binding, sealed: vault.seal(&binding, &secret).unwrap() }
        };
        bindings.into_iter().enumerate().map(sealed).collect()
    }
}

fn vault(seed: u64) -> Vault {
    Vault::new(key(seed))
}

fn key(seed: u64) -> MasterKey {
    MasterKey::from_bytes(key_bytes(seed)).unwrap()
}

fn key_bytes(seed: u64) -> [u8; 32] {
    let mut random = SplitMix(seed);
    std::array::from_fn(|_| random.below(256) as u8)
}

fn bytes(digits: &str) -> Vec<u8> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { panic!("{digits}") };
    let byte = |it: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap();
    pairs.iter().map(byte).collect()
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

// Written before there was a second format.
const OLD_KEY: &str = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";
const OLD_RECORD: &str = "019f21431332d89aa255d0c5d03a32953398321584cbe0bab552b621c47e970a51180a66\
    fd1ed3e48b4518ead2deb51f5eaed25d66633e88ee3e06e06a6510d8cc234dfbee3b6161a8bff7db87f0800d51ae07\
    987cce49aeb0f5664d2163def7b273f6d5d023e34c878d21c13ddf590a6ab5ea120ac5a85ea74b958291cc7070986f\
    764051036cd2";
const OLD_EMPTY: &str = "019f21431332d89aa28b764328f4baa465473229ca6328b513ab904b5bf964e59dfa792ef\
    335a6ab3572972c39f4b16755104488f06916e6f339cb514ea8ad6732524e38f42dcbff7dafde46296f4c93313c5a3\
    b6d41c3f1cc4270a89c2b722a6b";

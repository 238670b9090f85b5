//! Frames, cut anywhere.

use super::super::{FrameShield, Patterns};

const SECRET: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

#[test]
fn a_message_in_one_frame_or_in_many_has_its_secrets_masked() {
    let stars = "*".repeat(SECRET.len());
    let text = format!("key {SECRET}.");
    check(&[frame(0x81, &text)], &[frame(0x81, &format!("key {stars}."))]);
    check(&[frame(0x82, &text)], &[frame(0x82, &format!("key {stars}."))]);
    let (first, second) = text.split_at(17);
    check(
        &[frame(0x01, first), frame(0x89, "ping"), frame(0x00, ""), frame(0x80, second)],
        &[
            frame(0x01, &format!("key {}", "*".repeat(13))),
            frame(0x89, "ping"),
            frame(0x00, ""),
            frame(0x80, &format!("{}.", "*".repeat(19))),
        ],
    );
    for size in [125, 126, 65_535, 65_536] {
        let padding = " ".repeat(size - SECRET.len());
        check(&[frame(0x81, &(padding.clone() + SECRET))], &[frame(0x81, &(padding + &stars))]);
    }
}

#[test]
fn what_control_frames_say_is_masked() {
    let stars = "*".repeat(SECRET.len());
    check(&[frame(0x8a, SECRET)], &[frame(0x8a, &stars)]);
    let closing = format!("\x03\x0fbad key {SECRET}");
    check(&[frame(0x88, &closing)], &[frame(0x88, &format!("\x03\x0fbad key {stars}"))]);
}

#[test]
fn two_messages_are_not_one() {
    let (first, second) = SECRET.split_at(9);
    let frames = [frame(0x81, first), frame(0x81, second), frame(0x81, "")];
    check(&frames, &frames);
}

#[test]
fn nothing_of_a_message_is_held_back_that_cannot_be_the_secret() {
    let mut shield = shield();
    let message = frame(0x81, "all of this");
    assert_eq!(shield.push(&message).unwrap(), message);
    assert_eq!(shield.push(&frame(0x01, "and sk_l")).unwrap(), frame(0x01, "and sk_l")[..6]);
    assert_eq!(shield.push(&frame(0x89, "")).unwrap().len(), 0, "it comes after");
    assert_eq!(shield.finish(), [b"sk_l", &*frame(0x89, "")].concat());
}

#[test]
fn what_a_server_may_not_send_is_not_passed_on() {
    for bytes in [
        &[0xc1, 0x00][..],
        &[0x81, 0x80],
        &[0x83, 0x00],
        &[0x8b, 0x00],
        &[0x09, 0x00],
        &[0x89, 126, 0, 126],
        &[0x80, 0x00],
        &[0x01, 0x00, 0x81, 0x00],
        &[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert!(shield().push(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_flood_of_pings_in_a_message_that_is_held_back_is_no_way_to_fill_memory() {
    let mut shield = shield();
    shield.push(&frame(0x01, "sk_live")).unwrap();
    let pings = (0..1_000_000).try_for_each(|_| shield.push(&frame(0x89, "ping")).map(drop));
    assert!(pings.is_err());
}

fn shield() -> FrameShield {
    FrameShield::new(Patterns::new(&[SECRET]))
}

fn frame(first: u8, text: &str) -> Vec<u8> {
    let len = text.len();
    let mut frame = match u16::try_from(len) {
        Ok(len @ 0..126) => vec![first, len as u8],
        Ok(len) => [&[first, 126], &len.to_be_bytes()[..]].concat(),
        Err(_) => [&[first, 127], &(len as u64).to_be_bytes()[..]].concat(),
    };
    frame.extend(text.bytes());
    frame
}

#[track_caller]
fn check(sent: &[Vec<u8>], expected: &[Vec<u8>]) {
    let (sent, expected) = (sent.concat(), expected.concat());
    let sizes = [1, 2, 3, 5, 7, 11, 1_000_000];
    for size in sizes.into_iter().filter(|it| sent.len() < 1_000 || *it > 6) {
        let mut shield = shield();
        let mut passed = Vec::new();
        for bytes in sent.chunks(size) {
            passed.extend(shield.push(bytes).unwrap());
        }
        passed.extend(shield.finish());
        assert!(passed == expected, "in pieces of {size}");
    }
}

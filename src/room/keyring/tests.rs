use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::{BadKeyring, Held, Keyring};
use crate::room::challenge::Challenge;
use crate::room::pass::{Farewell, Pass};
use crate::room::reject::Reject;
use crate::room::seal::{RoomId, Scope};
use crate::room::standing::{Promise, Slot};
use crate::room::ticket::Ticket;

const NOW: u64 = 1_762_790_400;
const PROMISE: Promise = Promise { joined: NOW, likely: Some(95), late: None };
const SLOT: Slot = Slot { epoch: 3, slot: 17, number: 812 };

fn keys() -> Keyring {
    Keyring::generate([7; 32])
}

fn sale() -> Scope {
    Scope { room: RoomId::of("sale"), client: None }
}

fn at(client: &str) -> Scope {
    Scope { client: Some(client.parse::<IpAddr>().unwrap()), ..sale() }
}

fn ticket() -> Ticket {
    Ticket::mint(3, 812, 42, PROMISE)
}

fn pass() -> Pass {
    Pass::mint(SLOT, 42, NOW)
}

/// One of each kind that a cookie carries.
fn texts(scope: &Scope) -> [String; 3] {
    let keys = keys();
    [ticket().seal(&keys, scope), pass().seal(&keys, scope), Farewell::mint(&pass(), NOW).seal(&keys, scope)]
}

fn open(text: &str, scope: &Scope, now: u64) -> Result<Held, Reject> {
    keys().open(text.as_bytes(), scope, now).map(|opened| opened.value)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn what_is_sealed_opens_as_it_was() {
    let [place, stay, end] = texts(&sale());
    assert_eq!(open(&place, &sale(), NOW), Ok(Held::Ticket(ticket())));
    assert_eq!(open(&stay, &sale(), NOW), Ok(Held::Pass(pass())));
    assert_eq!(open(&end, &sale(), NOW), Ok(Held::Farewell(Farewell::mint(&pass(), NOW))));
    assert_eq!((place.len(), stay.len(), end.len()), (120, 115, 94), "every kind has its own length");
}

#[test]
fn a_single_changed_bit_is_a_forgery() {
    for text in texts(&sale()) {
        let bytes = decoded(&text);
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&URL_SAFE_NO_PAD.encode(forged), &sale(), NOW).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn each_part_that_is_forged_has_its_word() {
    let [place, ..] = texts(&sale());
    let forged = |at: usize| {
        let mut bytes = decoded(&place);
        bytes[at] ^= 0x80;
        open(&URL_SAFE_NO_PAD.encode(bytes), &sale(), NOW)
    };
    for (at, expected) in [
        (0, Reject::Version),
        (1, Reject::Kind),
        (2, Reject::Key),
        (6, Reject::Signature),
        (14, Reject::Signature),
        (18, Reject::Signature),
        (26, Reject::Signature),
        (30, Reject::Signature),
        (38, Reject::Signature),
        (89, Reject::Signature),
    ] {
        assert_eq!(forged(at), Err(expected), "byte {at}");
    }
}

#[test]
fn shorter_and_longer_texts_are_not_believed() {
    for text in texts(&sale()) {
        for length in 0..text.len() {
            assert_eq!(open(&text[..length], &sale(), NOW), Err(Reject::Malformed), "{length}");
        }
        assert_eq!(open(&format!("{text}AAAA"), &sale(), NOW), Err(Reject::Malformed));
        assert_eq!(open(&format!("{text}{}", "A".repeat(200)), &sale(), NOW), Err(Reject::Oversized));
        assert_eq!(open(&format!("{text}{}", "\n".repeat(200)), &sale(), NOW), Err(Reject::Oversized));
    }
}

#[test]
fn there_is_one_way_to_write_a_value() {
    let mut spellings = 0;
    for text in texts(&sale()) {
        for spelling in others(&text) {
            spellings += 1;
            assert_eq!(open(&spelling, &sale(), NOW), Err(Reject::Malformed), "{spelling}");
        }
    }
    assert!(spellings > 10, "{spellings}");
}

/// Texts that a careless decoder takes for the same bytes.
fn others(text: &str) -> Vec<String> {
    let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let standard = text.replace('-', "+").replace('_', "/");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = text.as_bytes()[text.len() - 1];
    let digit = alphabet.iter().position(|&letter| letter == last).unwrap();
    let spare = [0, 0, 16, 4][text.len() % 4];
    let tail = (1..spare).map(|bits| format!("{}{}", &text[..text.len() - 1], alphabet[digit ^ bits] as char));
    let spaced =
        [format!("{text} "), format!(" {text}"), format!("{text}\n"), format!("{}\n{}", &text[..4], &text[4..])];
    let odd = [padded, standard].into_iter().filter(|other| other != text);
    odd.chain(tail).chain(spaced).collect()
}

#[test]
fn a_value_of_one_kind_is_none_of_another() {
    // The same fields under the kind of another, with a signature that is good for the first.
    for text in texts(&sale()) {
        for kind in 1..=4_u8 {
            let mut bytes = decoded(&text);
            if bytes[1] == kind {
                continue;
            }
            bytes[1] = kind;
            let swapped = open(&URL_SAFE_NO_PAD.encode(&bytes), &sale(), NOW);
            let expected = if kind == 4 { Reject::Kind } else { Reject::Malformed };
            assert_eq!(swapped, Err(expected), "{kind}");
        }
    }
    let challenge = Challenge::mint(3, 42, 8, NOW).seal(&keys(), &sale());
    assert_eq!(open(&challenge, &sale(), NOW), Err(Reject::Kind));
    for text in texts(&sale()) {
        assert_eq!(Challenge::open(text.as_bytes(), &keys(), &sale(), NOW), Err(Reject::Kind));
    }
}

#[test]
fn a_value_is_good_in_its_room_only() {
    let outlet = Scope { room: RoomId::of("outlet"), ..sale() };
    for text in texts(&sale()) {
        assert_eq!(open(&text, &outlet, NOW), Err(Reject::Room));
    }
}

#[test]
fn the_epoch_is_part_of_what_is_signed() {
    let next = Ticket::mint(4, 812, 42, PROMISE).seal(&keys(), &sale());
    let (mut old, next) = (decoded(&ticket().seal(&keys(), &sale())), decoded(&next));
    old[14..18].copy_from_slice(&next[14..18]);
    assert_eq!(open(&URL_SAFE_NO_PAD.encode(old), &sale(), NOW), Err(Reject::Signature));
}

#[test]
fn a_bound_value_is_good_in_its_network_only() {
    for (given, good, bad) in [
        ("192.0.2.1", "192.0.2.254", "192.0.3.1"),
        ("192.0.2.1", "::ffff:192.0.2.9", "2001:db8::1"),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", "2001:db8:2::1"),
    ] {
        for text in texts(&at(given)) {
            assert!(open(&text, &at(good), NOW).is_ok(), "{good}");
            assert_eq!(open(&text, &at(bad), NOW), Err(Reject::Network), "{bad}");
            assert!(open(&text, &sale(), NOW).is_ok(), "where nothing is bound, nothing is asked");
        }
    }
    for text in texts(&sale()) {
        assert!(open(&text, &at("192.0.2.1"), NOW).is_ok(), "what was given without a network is good in any");
    }
}

#[test]
fn every_value_lapses() {
    let [place, stay, end] = texts(&sale());
    for (text, lifetime) in [(place, Ticket::LIFETIME), (stay, Pass::LIFETIME), (end, Farewell::LIFETIME)] {
        assert!(open(&text, &sale(), NOW + lifetime - 1).is_ok());
        assert_eq!(open(&text, &sale(), NOW + lifetime), Err(Reject::Expired));
    }
    assert!(!pass().is_due(NOW + Pass::LIFETIME / 2));
    assert!(pass().is_due(NOW + Pass::LIFETIME / 2 + 1));
    assert!(!pass().renewed(NOW + 50_000).is_due(NOW + 50_000));
}

#[test]
fn a_key_is_good_for_one_rotation() {
    let [place, ..] = texts(&sale());
    let once = keys().rotate([8; 32]);
    let opened = once.open(place.as_bytes(), &sale(), NOW).unwrap();
    assert_eq!((opened.value, opened.by_previous), (Held::Ticket(ticket()), true));
    let renewed = ticket().seal(&once, &sale());
    assert!(!once.open(renewed.as_bytes(), &sale(), NOW).unwrap().by_previous);
    let twice = once.rotate([9; 32]);
    assert_eq!(twice.open(place.as_bytes(), &sale(), NOW), Err(Reject::Key));
    assert!(twice.open(renewed.as_bytes(), &sale(), NOW).is_ok());
    assert_eq!(Keyring::generate([9; 32]).open(place.as_bytes(), &sale(), NOW), Err(Reject::Key));
}

#[test]
fn a_bound_value_outlives_a_rotation_in_its_network() {
    let [place, ..] = texts(&at("192.0.2.1"));
    let once = keys().rotate([8; 32]);
    assert!(once.open(place.as_bytes(), &at("192.0.2.2"), NOW).is_ok());
    assert_eq!(once.open(place.as_bytes(), &at("198.51.100.1"), NOW), Err(Reject::Network));
}

#[test]
fn a_ring_survives_as_text() {
    for ring in [keys(), keys().rotate([8; 32])] {
        let text = ring.to_text();
        let read = Keyring::parse(&text).unwrap();
        assert_eq!(read.to_text(), text);
        let sealed = ticket().seal(&ring, &sale());
        assert!(read.open(sealed.as_bytes(), &sale(), NOW).is_ok());
    }
}

#[test]
fn a_text_that_is_no_ring_says_where() {
    let key = "07".repeat(32);
    for (text, expected) in [
        (String::new(), BadKeyring::NoCurrent),
        (format!("previous {key}"), BadKeyring::NoCurrent),
        (format!("# keys\n\ncurrent {key}\nnext {key}"), BadKeyring::Line(4)),
        (format!("current {key}\ncurrent {key}"), BadKeyring::Twice(2)),
        (format!("current {}", &key[2..]), BadKeyring::Line(1)),
        (format!("current {}zz", &key[2..]), BadKeyring::Line(1)),
        (format!("current +7{}", &key[2..]), BadKeyring::Line(1)),
        ("current".to_owned(), BadKeyring::Line(1)),
    ] {
        assert_eq!(Keyring::parse(&text).err(), Some(expected), "{text}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", keys().rotate([8; 32]));
    assert!(!shown.contains("0707") && !shown.contains("7, 7") && !shown.contains("8, 8"), "{shown}");
    assert!(shown.starts_with("Keyring { current: \""), "{shown}");
}

#[test]
fn the_index_of_a_reject_is_its_position() {
    for (index, reject) in Reject::ALL.into_iter().enumerate() {
        assert_eq!((reject.index(), reject.to_string()), (index, reject.as_str().to_owned()));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_believed_by_chance(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(keys().open(&text, &sale(), NOW).is_err());
    }

    #[test]
    fn nor_any_in_the_right_letters(text in "AQ[EI-L]?[A-Za-z0-9_-]{0,130}") {
        prop_assert!(keys().open(text.as_bytes(), &sale(), NOW).is_err());
    }

    #[test]
    fn nor_what_is_cut_and_pasted(which in 0_usize..3, other in 0_usize..3, cut in 0_usize..120, at in 0_usize..120) {
        let texts = texts(&sale());
        let (one, two) = (&texts[which], &texts[other]);
        let pasted = format!("{}{}", &one[..cut.min(one.len())], &two[at.min(two.len())..]);
        let opened = open(&pasted, &sale(), NOW);
        prop_assert!(texts.contains(&pasted) || opened.is_err(), "{pasted}");
    }

    #[test]
    fn any_ticket_opens_as_it_was(
        epoch: u32, number: u32, visitor: u64, joined in 0_u64..1 << 40,
        likely in proptest::option::of(0..u32::MAX), late in proptest::option::of(0..u32::MAX),
    ) {
        let ticket = Ticket::mint(epoch, number, visitor, Promise { joined, likely, late });
        let text = ticket.seal(&keys(), &sale());
        prop_assert_eq!(open(&text, &sale(), joined), Ok(Held::Ticket(ticket)));
    }

    #[test]
    fn any_pass_opens_as_it_was(epoch: u32, slot: u32, number: u32, visitor: u64, now in 0_u64..1 << 40) {
        let pass = Pass::mint(Slot { epoch, slot, number }, visitor, now);
        let text = pass.seal(&keys(), &sale());
        prop_assert_eq!(open(&text, &sale(), now), Ok(Held::Pass(pass)));
    }
}

use std::time::Duration;

use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use spillway::config::settings::*;

use super::rate;

pub(super) fn room() -> impl Strategy<Value = RoomSettings> {
    let mode = select(vec![RoomMode::Off, RoomMode::Auto, RoomMode::Always, RoomMode::Paused, RoomMode::Closed]);
    let order = select(vec![RoomOrder::Arrival, RoomOrder::Lottery]);
    let times = (1_000..=28_800_000_u64, 1_000..=3_600_000_u64, option::of(-1_000_000_000..=4_000_000_000_i64));
    let admission = (1..=10_000_000_u32, prop_oneof![Just(AdmitRate::Auto), rate().prop_map(AdmitRate::Fixed)]);
    let proof_of_work = select(vec![ProofOfWork::Off, ProofOfWork::Auto, ProofOfWork::Always]);
    let abuse = (option::of(rate()), 1..=1_000_000_u32, proof_of_work, any::<bool>());
    ((mode, order), admission, times, (texts(), texts()), abuse).prop_map(|(words, admission, times, texts, abuse)| {
        RoomSettings {
            name: String::new(),
            mode: words.0,
            active_shoppers: admission.0,
            admit_rate: admission.1,
            session: Duration::from_millis(times.0),
            claim: Duration::from_millis(times.1),
            order: words.1,
            opens: times.2.map(|secs| jiff::Timestamp::from_second(secs).unwrap()),
            title: texts.0,
            message: texts.1,
            template: None,
            joins_per_client: abuse.0,
            joins_burst: abuse.1,
            proof_of_work: abuse.2,
            bind_network: abuse.3,
        }
    })
}

fn texts() -> impl Strategy<Value = Texts> {
    let text = "[a-zA-Z <>&\"'セール雙\n]{1,40}";
    let tag = select(vec!["en", "ja", "zh-Hant", "zh-Hans", "ko"]);
    let several = btree_map(tag, text, 0..=5);
    prop_oneof![
        text.prop_map(|text| Texts(vec![(String::new(), text)])),
        several.prop_map(|texts| Texts(texts.into_iter().map(|(tag, text)| (tag.to_owned(), text)).collect())),
    ]
}

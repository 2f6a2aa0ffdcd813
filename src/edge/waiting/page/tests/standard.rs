//! The built-in page.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

use super::super::{Preview, Standard};
use super::*;

/// Every state in every language, with much to show and with little.
fn all() -> Vec<(String, Page)> {
    let mut pages = Vec::new();
    let paint = |scene: &Scene<'_>| {
        pages.push((format!("{:?} {:?}", scene.situation, scene.language), Standard.paint(scene)));
        Ok::<(), ()>(())
    };
    Preview::rehearse(paint).unwrap();
    assert_eq!(pages.len(), 2 * Language::ALL.len() * Preview::STATES.len());
    pages
}

/// What stands between two pieces of a page, each time.
fn between<'p>(page: &'p str, open: &str, close: &str) -> Vec<&'p str> {
    page.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

fn data(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"spillway\">", "</script>")[0]).unwrap()
}

#[test]
fn a_page_weighs_at_most_20_kb_whatever_it_says() {
    let title = "雙".repeat(60);
    let message = "お待たせ".repeat(60);
    let mut heaviest = 0;
    for language in Language::ALL {
        for draw in [None, Some(&DRAW)] {
            let scene = Scene { title: Some(&title), message: Some(&message), draw, ..in_line(language) };
            let scene = Scene { commitment: draw.map(|_| [3; 32]), ..scene };
            let lobby = Scene {
                situation: Situation::Lobby,
                opens: Some(opening()),
                commitment: Some([3; 32]),
                draw: None,
                ..scene
            };
            for scene in [scene, Scene { situation: Situation::Paused, ..scene }, lobby] {
                heaviest = heaviest.max(Standard.paint(&scene).body.len());
            }
        }
    }
    for (_, page) in all() {
        heaviest = heaviest.max(page.body.len());
    }
    assert!((10_000..=20_480).contains(&heaviest), "{heaviest} bytes");
}

#[test]
fn a_long_address_does_not_make_a_heavy_page() {
    let to = format!("/shoes?{}", "x=%E3%82%BB&".repeat(60));
    let scene = Scene { to: &to, ..in_line(Language::Japanese) };
    let page = html(&Standard, &scene);
    assert_eq!(data(&page)["to"], to, "the way on is whole");
    assert!(page.contains("/wait?to=/shoes&#38;lang=ja\""), "the links go without its query");
    assert!(page.len() < 19_000, "{}", page.len());
    let path = format!("/{}", "x".repeat(2_000));
    let page = html(&Standard, &Scene { to: &path, ..scene });
    assert!(page.contains("/wait?to=/&#38;lang=ja\"") && page.contains("name=\"to\" value=\"/\""));
}

#[test]
fn a_page_leads_only_to_this_host() {
    for to in [
        "//elsewhere",
        "/\\elsewhere",
        "/a\\b",
        "/\t/elsewhere",
        "/a b",
        "elsewhere",
        "/セ",
        "/.spillway/room/sale/wait",
    ] {
        let page = html(&Standard, &Scene { to, ..in_line(Language::English) });
        assert_eq!(data(&page)["to"], "/", "{to}");
    }
}

#[test]
fn the_policy_names_the_style_and_the_script_that_are_there() {
    for (name, page) in all() {
        let policy = page.policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())));
        let (styles, scripts) =
            (between(text(&page), "<style>", "</style>"), between(text(&page), "<script>", "</script>"));
        assert_eq!((styles.len(), scripts.len()), (1, 1), "{name}");
        assert!(policy.contains(&format!("script-src {};", hash(scripts[0]))), "{name}");
        assert!(policy.contains(&format!("style-src {};", hash(styles[0]))), "{name}");
    }
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    for (name, page) in all() {
        let page = text(&page);
        for forbidden in ["http://", "https://", "<link", "@import", "url(\"", " style=", " onclick"] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        for attribute in ["src=\"", "href=\"", "action=\""] {
            for target in between(page, attribute, "\"") {
                assert!(target.starts_with('/') && !target.starts_with("//"), "{name}: {target}");
            }
        }
    }
}

#[test]
fn the_turn_is_announced_in_one_place() {
    for (name, page) in all() {
        assert_eq!(text(&page).matches("role=\"alert\"").count(), 1, "{name}");
        assert_eq!(text(&page).matches("<h1").count(), 1, "{name}");
        assert_eq!(text(&page).matches("role=\"status\"").count(), 1, "{name}");
    }
}

#[test]
fn someone_in_line_sees_where_they_stand() {
    let page = html(&Standard, &in_line(Language::English));
    assert!(page.contains("<b data-live=\"rank\">812</b> <span>ahead of you</span>"));
    assert!(page.contains("<dd data-live=\"wait\">about 2 to 4 min</dd>"));
    assert!(page.contains("<dd data-live=\"people\">40,123</dd>"));
    assert!(page.contains(
        "max=\"1000\" value=\"980\" aria-label=\"Your way to the front\" aria-valuetext=\"812 ahead of you\""
    ));
    let page = html(&Standard, &in_line(Language::Japanese));
    assert!(page.contains("<span>あなたの前に</span> <b data-live=\"rank\">812</b> <span>人</span>"));
    assert!(page.contains("約2～4分") && page.contains("40,123人"));
}

#[test]
fn nothing_is_promised_that_is_not_known() {
    let unknown = Scene { rank: None, estimate: Estimate::default(), by_lot: true, ..in_line(Language::English) };
    let page = html(&Standard, &unknown);
    assert!(page.contains("<dd data-live=\"wait\">hard to tell yet</dd>"));
    assert!(page.contains("The next is drawn by lot among everyone who waits."));
    assert!(
        page.contains("<p class=\"figure\" data-live=\"word\"><b class=\"word\" data-live=\"place\">Drawn by lot</b>")
    );
    assert!(page.contains("data-live=\"ahead\" hidden") && page.contains("Drawn by lot\" hidden"), "{page}");
}

#[test]
fn the_first_in_line_is_told_so() {
    let page = html(&Standard, &Scene { rank: Some(0), ..in_line(Language::English) });
    assert!(page.contains("data-live=\"word\"><b class=\"word\" data-live=\"place\">You are next</b>"));
    assert!(page.contains("data-live=\"ahead\" hidden"));
}

#[test]
fn a_page_goes_on_without_scripts() {
    let refresh = |scene: &Scene<'_>| {
        let page = html(&Standard, scene);
        between(&page, "<noscript><meta http-equiv=\"refresh\" content=\"", "\">").first().map(ToString::to_string)
    };
    let scene = in_line(Language::English);
    let wait = "/.spillway/room/sale/wait?to=/shoes%3Fcolour%3Dred%26size%3D42&#38;lang=en";
    assert_eq!(refresh(&scene), Some(format!("20;url={wait}")));
    let later = Scene { poll_after: Duration::from_millis(45_100), ..scene };
    assert_eq!(refresh(&later), Some(format!("46;url={wait}")));
    let again = Scene { situation: Situation::NoNumber, ..scene };
    assert_eq!(refresh(&again), Some("20;url=/shoes?colour=red&#38;size=42".to_owned()));
    for situation in [Situation::CookiesMissing, Situation::Left, Situation::NotNumbered] {
        assert_eq!(refresh(&Scene { situation, ..scene }), None, "{situation:?} would go round in circles");
    }
    let page = html(&Standard, &scene);
    assert!(
        page.contains("<noscript><img src=\"/.spillway/room/sale/seen\" width=\"1\" height=\"1\" alt=\"\"></noscript>")
    );
    assert!(page.contains("<noscript>This page asks again every 20 seconds.</noscript>"));
    assert!(page.contains("<button form=\"again\" name=\"lang\" value=\"en\">Check now</button>"));
    assert!(page.contains("<form method=\"post\" action=\"/.spillway/room/sale/leave?to=/shoes%3F"));
}

#[test]
fn what_was_sent_is_not_sent_again() {
    for situation in [Situation::Waiting, Situation::Called, Situation::TooMany, Situation::NotNumbered] {
        let page = html(&Standard, &Scene { situation, is_safe: false, ..in_line(Language::English) });
        assert!(page.contains("What you sent has not reached the shop."), "{situation:?}");
        assert_eq!(data(&page)["safe"], false);
        let refresh = between(&page, "content=\"", "\"").into_iter().find(|content| content.contains("url="));
        assert!(refresh.is_none_or(|content| content.contains("/.spillway/")), "{situation:?} {refresh:?}");
    }
}

#[test]
fn a_draw_can_be_checked() {
    let before = Scene {
        situation: Situation::Lobby,
        commitment: Some([0xab; 32]),
        opens: Some(opening()),
        ..in_line(Language::English)
    };
    let page = html(&Standard, &before);
    assert!(page.contains(&"ab".repeat(32)) && page.contains("Coming earlier is no advantage."));
    assert!(page.contains("<time data-live=\"opens\">2026-11-10 16:00 UTC</time>"));
    assert!(!page.contains(&"07".repeat(32)));

    let after = Scene { draw: Some(&DRAW), commitment: Some([0xab; 32]), ..in_line(Language::English) };
    let page = html(&Standard, &after);
    assert!(page.contains(&"ab".repeat(32)) && page.contains(&"07".repeat(32)));
    assert!(page.contains("10,000 people were drawn, the first with number 50,000."));
    assert_eq!(data(&page)["draw"]["start"], 50_000);
    assert_eq!(data(&page)["number"], 51_234);
}

#[test]
fn a_challenge_is_for_scripts_and_for_hands() {
    let challenge = crate::edge::waiting::scene::Challenge {
        text: "AbC-_9",
        difficulty: 17,
        without_proof_after: Duration::from_secs(15),
    };
    let page = html(&Standard, &Scene { situation: Situation::Challenged(challenge), ..in_line(Language::English) });
    assert_eq!(data(&page)["challenge"], serde_json::json!({ "text": "AbC-_9", "bits": 17 }));
    assert!(page.contains("please wait 15 seconds and then press the button"));
    let action = "/.spillway/room/sale/join?challenge=AbC-_9&#38;to=/shoes%3Fcolour%3Dred%26size%3D42";
    assert!(page.contains(&format!("method=\"post\" action=\"{action}\"")));
    assert!(!page.contains("http-equiv"), "the next challenge would begin anew");
}

#[test]
fn a_form_asks_for_the_page_in_another_language() {
    let page = html(&Standard, &in_line(Language::Korean));
    assert!(page.contains("<form id=\"again\" action=\"/.spillway/room/sale/wait\" aria-label=\"언어\">"));
    assert!(page.contains("<input type=\"hidden\" name=\"to\" value=\"/shoes?colour=red&#38;size=42\">"));
    for language in Language::ALL {
        let button = format!("<button lang=\"{0}\" name=\"lang\" value=\"{0}\">", language.tag());
        assert_eq!(page.contains(&button), language != Language::Korean, "{language:?}");
    }
    assert!(page.contains("<b lang=\"ko\">한국어</b>") && page.contains("<html lang=\"ko\">"));
}

#[test]
fn every_language_says_everything_in_its_own_words() {
    let words = |language| serde_json::to_value(super::super::words::phrases(language)).unwrap();
    let flat = |language: Language| {
        let mut found = Vec::new();
        for (key, value) in words(language).as_object().unwrap() {
            match value {
                Value::Object(notice) => {
                    found.extend(notice.iter().map(|(part, text)| (format!("{key}.{part}"), text.clone())));
                }
                text => found.push((key.clone(), text.clone())),
            }
        }
        found.into_iter().map(|(key, text)| (key, text.as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    let english = flat(Language::English);
    assert!(english.len() > 70);
    for language in Language::ALL {
        for ((key, text), (_, original)) in flat(language).iter().zip(&english) {
            let may_be_empty = matches!(key.as_str(), "ahead_before" | "ahead_after");
            assert!(may_be_empty || !text.trim().is_empty(), "{language:?} {key}");
            assert!(!text.contains(['<', '>', '&', '"', '\'', '\n']), "{language:?} {key}");
            for number in ["{a}", "{b}", "{c}"] {
                assert_eq!(text.contains(number), original.contains(number), "{language:?} {key} {number}");
            }
            let same = language != Language::English && text == original && !matches!(key.as_str(), "people");
            assert!(!same, "{language:?} {key} is English");
        }
    }
    let heads: HashSet<_> = Language::ALL.map(|language| words(language)["waiting"]["head"].clone().to_string()).into();
    assert_eq!(heads.len(), 5);
}

#[test]
fn a_preview_does_nothing_by_itself() {
    let sale =
        room("title = { en = \"Sale\", ja = \"セール\" }\nmessage = \"Hello\"\nopens = 2026-11-11T00:00:00+08:00");
    for state in Preview::STATES {
        let page = Preview::of(state, Language::Japanese).paint(&sale, &Standard, opening()).unwrap();
        let page = text(&page);
        assert!(page.contains("セール") && page.contains("Hello"), "{state}");
        assert!(!page.contains("http-equiv"), "{state}");
        assert_eq!(data(page)["poll"], 0, "{state}");
    }
    let lottery = room("order = \"lottery\"");
    let wish: Preview =
        serde_json::from_str(r#"{ "state": "paused", "position": 3, "title": "Ours", "likely": null }"#).unwrap();
    let page = wish.paint(&lottery, &Standard, opening()).unwrap();
    assert!(text(&page).contains("The line stands still") && text(&page).contains("Ours"));
    assert!(text(&page).contains("hard to tell yet") && data(text(&page))["rank"].is_null());
}

#[test]
fn a_preview_of_nothing_is_refused_in_a_sentence() {
    let refused = |wish: Preview| wish.paint(&room(""), &Standard, opening()).unwrap_err();
    let states = refused(Preview { state: "waitng".into(), ..Preview::default() });
    assert!(states.starts_with("there is no state \"waitng\", only lobby, waiting,"), "{states}");
    let languages = refused(Preview { language: "fr".into(), ..Preview::default() });
    assert_eq!(languages, "there is no language \"fr\", only en, ja, zh-Hant, zh-Hans, ko");
    assert!(serde_json::from_str::<Preview>(r#"{ "stat": "lobby" }"#).is_err());
}

#[test]
fn only_paths_of_this_host_are_gone_to() {
    for foreign in
        ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "", "shoes", "/a b"]
    {
        let page = html(&Standard, &Scene { to: foreign, ..in_line(Language::English) });
        assert_eq!(data(&page)["to"], "/", "{foreign:?}");
        assert!(!page.contains("evil"), "{foreign:?}");
    }
}

proptest! {
    #[test]
    fn nothing_anybody_writes_breaks_out(
        title in "\\PC{1,30}|[<>\"'&/a-z! -]{1,30}",
        message in "(\\PC|\n){1,30}|</script>[<>\"']{0,5}|<!--",
        to in "/([!-~]|\\PC){0,30}",
        id in "[A-Za-z0-9._:+/=@-]{1,60}",
    ) {
        let plain = in_line(Language::English);
        let hostile = Scene { title: Some(&title), message: Some(&message), to: &to, request_id: &id, ..plain };
        let tame = Scene { title: Some("x"), message: Some("x"), to: "/", ..plain };
        let (hostile, tame) = (html(&Standard, &hostile), html(&Standard, &tame));
        let marks = |page: &str| page.matches('<').count();
        prop_assert_eq!(marks(&hostile), marks(&tame));
        let quotes = |page: &str| between(page, "<body", "<script").concat().matches('"').count();
        prop_assert_eq!(quotes(&hostile), quotes(&tame));
        prop_assert!(data(&hostile)["to"] == to.as_str() || data(&hostile)["to"] == "/");
    }
}

//! Values typed as text: what is taken, what is refused, what is offered instead.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use http::Method;
use ipnet::IpNet;
use proptest::prelude::*;
use regex::Regex;

use super::admission::JoinRate;
use super::endpoints::HostPattern;
use super::settings::{AdmitRate, LimitKey, LimitMode, LogFormat, ProofOfWork, Rate, RoomMode, RoomOrder, ServerUrl};
use super::text::{Fault, FilePath, Name, Text};
use super::tokens::{AccessTarget, CheckTarget, CookieName, LogFilter, RoutePath};
use super::units::{Delay, Period, Share, Size};

type AnySize = Size<0, { 1 << 50 }>;

#[test]
fn durations() {
    let millis = |text| Delay::parse(text).map(|delay| delay.0.as_millis());
    assert_eq!(millis("250ms"), Ok(250));
    assert_eq!(millis("2s"), Ok(2_000));
    assert_eq!(millis("1m30s"), Ok(90_000));
    assert_eq!(millis("30d"), Ok(2_592_000_000));
    assert_eq!(millis("0s"), Ok(0));
    assert!(matches!(Period::parse("0m0s"), Err(Fault::Reason(_))));
    assert!(matches!(Delay::parse("30d1ms"), Err(Fault::Reason(_))));
    for bad in ["", "5", "s", "1.5s", "-1s", "1 s", "1s ", "1S", "1us", "s5", "5s5"] {
        assert_eq!(Delay::parse(bad), Err(Fault::Form), "{bad:?}");
    }
    assert_eq!(Delay::secs(90).to_string(), "90s");
    assert_eq!(Delay::secs(7_200).to_string(), "2h");
}

#[test]
fn rates() {
    let rate = |count, secs| Ok(Rate { count, per: Duration::from_secs(secs) });
    assert_eq!(Rate::parse("20/s"), rate(20, 1));
    assert_eq!(Rate::parse("600/min"), rate(600, 60));
    assert_eq!(Rate::parse("5/h"), rate(5, 3_600));
    assert_eq!(Rate::parse("999999999/d"), rate(999_999_999, 86_400));
    for bad in ["0/s", "000/s", "1000000000/s", "99999999999999999999/s"] {
        assert!(matches!(Rate::parse(bad), Err(Fault::Reason(_))), "{bad:?}");
    }
    for bad in ["", "/", "/s", "20", "20/", "20/m", "20 /s", "-1/s", "1.5/s", "+1/s", "01/s", "20/s/s"] {
        assert_eq!(Rate::parse(bad), Err(Fault::Form), "{bad:?}");
    }
}

#[test]
fn shares() {
    let fraction = |text| Share::parse(text).map(Share::fraction);
    assert_eq!(fraction("0%"), Ok(0.0));
    assert_eq!(fraction("12.5%"), Ok(0.125));
    assert_eq!(fraction("33.33%"), Ok(0.3333));
    assert_eq!(fraction("100%"), Ok(1.0));
    for bad in ["", "%", "30", "101%", "100.5%", "-1%", "1.234%", "1.%", ".5%", "1e1%", "30 %"] {
        assert_eq!(fraction(bad), Err(Fault::Form), "{bad:?}");
    }
}

#[test]
fn sizes() {
    assert_eq!(AnySize::parse("0B"), Ok(Size(0)));
    assert_eq!(AnySize::parse("64KiB"), Ok(Size(65_536)));
    assert_eq!(AnySize::parse("1MiB"), Ok(Size(1_048_576)));
    assert!(matches!(AnySize::parse("99999999999999999999B"), Err(Fault::Reason(_))));
    assert!(matches!(AnySize::parse("18446744073709551615TiB"), Err(Fault::Reason(_))));
    for bad in ["", "B", "1", "1MB", "1.5MiB", "-1B", "1 B", "1b"] {
        assert_eq!(AnySize::parse(bad), Err(Fault::Form), "{bad:?}");
    }
}

#[test]
fn what_was_meant_is_offered() {
    fn meant<T: Text>(wrong: &str) -> Option<String> {
        T::meant(wrong)
    }
    let cases = [
        (meant::<Delay>("10"), "10s"),
        (meant::<Delay>("1.5 hours"), "90m"),
        (meant::<Rate>("20 per minute"), "20/min"),
        (meant::<Rate>("5rps"), ""),
        (meant::<Share>("0.3"), "30%"),
        (meant::<Share>("30"), "30%"),
        (meant::<AnySize>("10 mb"), "10MiB"),
        (meant::<SocketAddr>("8080"), "0.0.0.0:8080"),
        (meant::<IpNet>("::1"), "::1/128"),
        (meant::<ServerUrl>("localhost:9000"), "http://localhost:9000"),
        (meant::<HostPattern>("https://Shop.example:443/"), "Shop.example"),
        (meant::<RoutePath>("assets/*"), "/assets/{*rest}"),
        (meant::<LimitMode>("Shadow"), "shadow"),
        (meant::<LogFilter>("warning"), "warn"),
        (meant::<Period>("0"), ""),
        (meant::<AdmitRate>("600 per minute"), "600/min"),
        (meant::<AdmitRate>("automatic"), ""),
        (meant::<AdmitRate>("Auto"), "auto"),
        (meant::<JoinRate>("of"), "off"),
        (meant::<RoomMode>("pause"), "paused"),
    ];
    for (index, (offered, expected)) in cases.into_iter().enumerate() {
        assert_eq!(offered.unwrap_or_default(), expected, "case {index}");
    }
}

/// Holds for any text of a kind: what is taken fits the schema's pattern and survives being shown; what is offered
/// instead of it is taken.
fn check<T: Text>(text: &str) -> Result<(), TestCaseError> {
    if let Ok(value) = T::parse(text) {
        prop_assert!(fits(T::PATTERN, text), "{text:?} is taken, against {}", T::PATTERN);
        let shown = value.to_string();
        let again = T::parse(&shown).map(|value| value.to_string());
        prop_assert_eq!(again, Ok(shown.clone()), "{:?} is shown as {:?}", text, shown);
    }
    if let Some(meant) = T::meant(text) {
        prop_assert!(T::parse(&meant).is_ok(), "{meant:?} is offered for {text:?}");
    }
    Ok(())
}

/// Compiles each pattern once: that takes longer than all the rest.
fn fits(pattern: &'static str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<&str, Regex>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap();
    compiled.entry(pattern).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
}

/// Text that has the form of the schema is not refused for its form.
fn check_form<T: Text>(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(T::parse(text).err() != Some(Fault::Form), "{text:?}");
    check::<T>(text)
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused_as_the_schema_says(text in "\\PC{0,12}|[0-9]{1,4}[ a-zA-Z%/.:]{0,6}|[0-9]{1,3}[ .]?[0-9]?(s|ms|%|B|KiB|/s|/min) ?|[a-z:/.*{}\\[\\]0-9=-]{0,16}") {
        check::<Delay>(&text)?;
        check::<Period>(&text)?;
        check::<Rate>(&text)?;
        check::<Share>(&text)?;
        check::<AnySize>(&text)?;
        check::<Name>(&text)?;
        check::<FilePath>(&text)?;
        check::<SocketAddr>(&text)?;
        check::<IpNet>(&text)?;
        check::<HostPattern>(&text)?;
        check::<ServerUrl>(&text)?;
        check::<Method>(&text)?;
        check::<LimitKey>(&text)?;
        check::<LimitMode>(&text)?;
        check::<LogFormat>(&text)?;
        check::<CookieName>(&text)?;
        check::<RoutePath>(&text)?;
        check::<CheckTarget>(&text)?;
        check::<LogFilter>(&text)?;
        check::<AccessTarget>(&text)?;
        check::<AdmitRate>(&text)?;
        check::<JoinRate>(&text)?;
        check::<RoomMode>(&text)?;
        check::<RoomOrder>(&text)?;
        check::<ProofOfWork>(&text)?;
    }

    #[test]
    fn text_of_the_right_form_is_taken(
        delay in "([0-9]{1,3}(ms|s|m|h|d)){1,3}",
        rate in "[1-9][0-9]{0,8}/(s|min|h|d)",
        share in "(100|[0-9]{1,2}(\\.[0-9]{1,2})?)%",
        size in "[0-9]{1,6}(B|KiB|MiB|GiB|TiB)",
        name in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        host in "(\\*\\.)?[A-Za-z0-9_-]{1,20}(\\.[A-Za-z0-9_-]{1,20}){0,3}",
        server in "https?://[A-Za-z0-9-]{1,20}(:[1-9][0-9]{0,3})?/?",
        key in "client-ip|shopper|global|(header|cookie):[A-Za-z0-9_-]{1,9}",
        filter in "([a-z_:]{1,9}=)?(off|error|warn)(,([a-z_:]{1,9}=)?(info|debug|trace)){0,2}",
    ) {
        check_form::<Delay>(&delay)?;
        check_form::<Period>(&delay)?;
        check_form::<Rate>(&rate)?;
        check_form::<Share>(&share)?;
        check_form::<AnySize>(&size)?;
        check_form::<Name>(&name)?;
        check_form::<HostPattern>(&host)?;
        check_form::<ServerUrl>(&server)?;
        check_form::<LimitKey>(&key)?;
        check_form::<LogFilter>(&filter)?;
    }
}

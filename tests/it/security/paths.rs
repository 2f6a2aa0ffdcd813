//! What is matched is what the origin is sent.

use super::{code, get};
use crate::harness::{Origin, Proxy, Wire};

fn config(origin: &Origin) -> String {
    let checkout = r#"
[[class]]
name = "checkout"
[[route]]
name = "checkout"
path = "/checkout/{*rest}"
class = "checkout"
origin = "shop"
"#;
    origin.config() + checkout
}

#[tokio::test]
async fn no_disguise_of_a_path_escapes_its_route() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&config(&origin));
    let mut wire = Wire::to(proxy.client()).await;
    for (sent, seen, route) in [
        ("/checkout/pay", "/checkout/pay", "checkout"),
        ("//checkout//pay", "/checkout/pay", "checkout"),
        ("/a/../checkout/pay", "/checkout/pay", "checkout"),
        ("/a/b/../%2e%2e//checkout/pay?x=%2e", "/checkout/pay?x=%2e", "checkout"),
        ("/a/%2e%2e/checkout/pay", "/checkout/pay", "checkout"),
        ("/%63heckout/pay", "/checkout/pay", "checkout"),
        ("/./checkout/./pay", "/checkout/pay", "checkout"),
        ("/checkout/../browse", "/browse", "everything"),
        ("/CHECKOUT/pay", "/CHECKOUT/pay", "everything"),
        ("/caf%c3%a9", "/caf%C3%A9", "everything"),
        ("/a?/../b//c", "/a?/../b//c", "everything"),
    ] {
        wire.say(get(sent, "")).await;
        let (head, _) = wire.answer().await;
        assert_eq!(code(&head), 200, "{sent}");
        let last = origin.last();
        assert_eq!((last.target.as_str(), last.header("x-spillway-route")), (seen, route), "{sent}");
    }
}

#[tokio::test]
async fn a_path_that_could_be_read_in_two_ways_is_refused() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&config(&origin));
    for path in [
        "/a%2fcheckout",
        "/a%2F..%2Fcheckout",
        "/a\\checkout",
        "/a%5ccheckout",
        "/a%00",
        "/a%0d%0aHost:b",
        "/a%",
        "/a%g0",
        "/..",
        "/a/../../b",
        "/a/..;/checkout",
    ] {
        let mut wire = Wire::to(proxy.client()).await;
        wire.say(get(path, "")).await;
        let (head, body) = wire.answer().await;
        assert_eq!(code(&head), 400, "{path} got {head}{body}");
        assert_eq!(origin.targets(), [""; 0], "{path}");
    }
}

//! Several rooms, several routes, and both versions of HTTP.

use super::{comes_in, is_inside, is_waiting_page, shop, small};
use crate::harness::{H2, Origin, Proxy, Shopper, h2, tls};

fn route(name: &str, path: &str, room: &str) -> String {
    format!("[[route]]\nname = \"{name}\"\npath = \"{path}\"\nclass = \"browse\"\norigin = \"shop\"\n{room}\n")
}

#[tokio::test]
async fn every_room_has_its_own_line() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, &small(1))
        + &route("outlet", "/outlet/{*rest}", "room = \"outlet\"")
        + &route("help", "/help/{*rest}", "")
        + "[room.outlet]\nactive_shoppers = 1\n";
    let proxy = Proxy::with(&config);
    let [first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&first, "/").await;
    comes_in(&second, "/outlet").await;
    assert!(is_waiting_page(&first.visits("/outlet").await));
    assert!(is_waiting_page(&second.visits("/").await));
    assert_eq!(first.stands("outlet").await["position"], 1);
    assert_eq!(first.stands("sale").await["state"], "inside");
    assert_eq!(second.stands("sale").await["position"], 1);
    assert!(is_inside(&Shopper::at(&proxy).visits("/help").await), "a route without a room");
    first.takes("spillway-room-sale", first.holds("outlet").unwrap());
    assert_eq!(first.asks("sale").await.status, 404, "a ticket of another room is none");
}

#[tokio::test]
async fn several_routes_share_a_room() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, &small(1)) + &route("checkout", "/checkout/{*rest}", "room = \"sale\"");
    let proxy = Proxy::with(&config);
    let [first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&first, "/checkout").await;
    assert!(is_inside(&first.visits("/").await));
    assert!(is_waiting_page(&second.visits("/").await));
    assert!(is_waiting_page(&second.visits("/checkout").await));
    proxy.shows("spillway_room_inside{room=\"sale\"}", 1.0).await;
}

#[tokio::test]
async fn no_spelling_of_a_path_slips_past() {
    let origin = Origin::saying("hello").await;
    let config = origin.config() + &route("sale", "/sale/{*rest}", "room = \"sale\"");
    let proxy = Proxy::with(&(config + "[room.sale]\nmode = \"closed\"\nactive_shoppers = 1\n"));
    for path in ["/sale", "/sale/a", "//sale//a", "/x/../sale/a", "/%73ale/a", "/sale/%2e%2e/sale/a", "/./sale"] {
        assert_eq!(proxy.client().get(path).await.status, 503, "{path}");
    }
    assert_eq!(proxy.client().get("/other").await.status, 200);
}

#[tokio::test]
async fn a_reload_keeps_the_line() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&shop(&origin, &small(1)));
    let [inside, first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&inside, "/").await;
    for shopper in [&first, &second] {
        shopper.visits("/").await;
        shopper.stands("sale").await;
    }
    // Out of the configuration and back.
    proxy.rewrite(&origin.config());
    proxy.hears("the policy was read");
    assert_eq!(first.asks("sale").await.status, 404);
    proxy.rewrite(&shop(&origin, &small(1)));
    proxy.hears("the policy was read");
    assert_eq!(first.stands("sale").await["position"], 1);
    assert_eq!(second.stands("sale").await["position"], 2);
    assert!(is_inside(&inside.visits("/").await));
}

#[tokio::test]
async fn over_tls_the_cookie_is_the_hosts_own() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&shop(&origin, "mode = \"always\"\nactive_shoppers = 1\n"));
    let mut browser: H2 = authority.h2(proxy.address(), tls::SHOP).await;
    let get = |path: &str, cookie: &str| {
        let mut asked = h2::get(tls::SHOP, path);
        asked.headers_mut().insert("accept", "text/html".parse().unwrap());
        if !cookie.is_empty() {
            // As a browser splits them.
            for crumb in ["a=b", cookie] {
                asked.headers_mut().append("cookie", crumb.parse().unwrap());
            }
        }
        asked
    };
    let page = browser.send(get("/", "")).await;
    assert!(is_waiting_page(&page), "{page:?}");
    let set = page.header("set-cookie");
    assert!(set.starts_with("__Host-spillway-room-sale=") && set.ends_with("; SameSite=Lax; Secure"), "{set}");
    let ticket = set.split(';').next().unwrap().to_owned();
    let status = async |browser: &mut H2, cookie: &str| browser.send(get("/.spillway/room/sale", cookie)).await;
    assert_eq!(status(&mut browser, &ticket).await.status, 200);
    assert_eq!(status(&mut browser, ticket.trim_start_matches("__Host-")).await.status, 404, "anybody could set that");
    crate::harness::until("the turn comes", async || {
        let state = status(&mut browser, &ticket).await.json()["state"].clone();
        (state == "called").then_some(())
    })
    .await;
    let inside = browser.send(get("/", &ticket)).await;
    assert!(is_inside(&inside), "{inside:?}");
    assert!(inside.header("set-cookie").starts_with("__Host-spillway-room-sale="));
}

//! A stay, from the turn to its end.

use http::{Request, Response};
use hyper::body::Incoming;

use super::{behind, comes_in, is_inside, is_waiting_page, rejects, shop, small};
use crate::harness::origin::{Body, answer};
use crate::harness::{Origin, Proxy, Shopper};

/// A shop that ends a stay at `/logout`, is sold out at `/last`, and pays at `/pay`, which fails for `/pay/declined`.
async fn shop_of(room: &str) -> (Origin, Proxy) {
    let origin = Origin::answering(|request: Request<Incoming>| async move {
        let said = |name: &'static str, value: &'static str| {
            let mut response: Response<Body> = answer("hello");
            response.headers_mut().insert(name, value.parse().unwrap());
            response
        };
        match request.uri().path() {
            "/logout" => said("x-spillway-session", "end"),
            "/last" => said("x-spillway-room", "sold-out"),
            "/cached" => {
                let mut response = said("cache-control", "public, max-age=60");
                response.headers_mut().insert("cdn-cache-control", "max-age=60".parse().unwrap());
                response
            }
            "/own" => said("cache-control", "private, max-age=60"),
            "/pay/declined" => {
                let mut response = answer("no");
                *response.status_mut() = http::StatusCode::PAYMENT_REQUIRED;
                response
            }
            _ => answer("hello"),
        }
    });
    let origin = origin.await;
    let config = shop(&origin, room);
    let pay = "[[route]]\nname = \"pay\"\npath = \"/pay/{*rest}\"\nclass = \"browse\"\norigin = \"shop\"\ncompletes = \"sale\"\n";
    let proxy = Proxy::with(&format!("{config}{pay}"));
    (origin, proxy)
}

/// One inside, and one who waits.
async fn pair(proxy: &Proxy) -> [Shopper; 2] {
    let [inside, waiting] = std::array::from_fn(|_| Shopper::at(proxy));
    comes_in(&inside, "/").await;
    assert!(is_waiting_page(&waiting.visits("/").await));
    waiting.stands("sale").await;
    [inside, waiting]
}

#[tokio::test]
async fn a_finished_order_frees_the_place_at_once_and_shows_the_last_page() {
    let (_origin, proxy) = shop_of(&small(1)).await;
    let [buyer, next] = pair(&proxy).await;
    let declined = buyer.calls("POST", "/pay/declined").await;
    assert_eq!((declined.status.as_u16(), declined.header("set-cookie")), (402, ""), "the stay goes on");
    assert_eq!(next.stands("sale").await["state"], "waiting");

    let paid = buyer.calls("POST", "/pay").await;
    assert_eq!(paid.status, 200);
    assert!(paid.header("set-cookie").contains("; Max-Age=60;"), "{paid:?}");
    next.becomes("sale", "called").await;
    assert!(is_inside(&next.visits("/").await));
    for thanks in [buyer.visits("/thanks").await, buyer.loads("/logo.png").await, buyer.calls("GET", "/api").await] {
        assert!(is_inside(&thanks), "the last page and what belongs to it: {thanks:?}");
    }
    proxy.shows("spillway_room_completed_total{room=\"sale\"}", 1.0).await;
    proxy.shows("spillway_room_inside{room=\"sale\"}", 1.0).await;
    buyer.forgets();
    assert!(is_waiting_page(&buyer.visits("/").await), "for another order there is the line");
}

#[tokio::test]
async fn an_origin_ends_a_stay() {
    let (_origin, proxy) = shop_of(&small(1)).await;
    let [buyer, next] = pair(&proxy).await;
    let answer = buyer.calls("POST", "/logout").await;
    assert_eq!(answer.header("x-spillway-session"), "", "a note to the proxy");
    next.becomes("sale", "called").await;
    assert!(is_inside(&buyer.visits("/goodbye").await));
}

#[tokio::test]
async fn an_origin_closes_the_room_when_all_is_sold() {
    let (_origin, proxy) = shop_of(&small(1)).await;
    let [buyer, next] = pair(&proxy).await;
    assert_eq!(buyer.calls("POST", "/last").await.header("x-spillway-room"), "");
    assert_eq!(next.becomes("sale", "closed").await["sold_out"], true);
    let late = Shopper::at(&proxy);
    assert!(is_waiting_page(&late.visits("/").await));
    assert_eq!(late.holds("sale"), None);
    assert!(is_inside(&buyer.visits("/cart").await), "those inside go on");
    assert!(is_inside(&buyer.calls("POST", "/pay").await));
}

#[tokio::test]
async fn a_turn_is_claimed_once_over_all_tabs() {
    let (_origin, proxy) = behind(&small(1)).await;
    let [inside, shopper] = pair(&proxy).await;
    inside.calls("DELETE", "/.spillway/room/sale").await;
    shopper.becomes("sale", "called").await;
    let tab = Shopper::at(&proxy);
    tab.takes("spillway-room-sale", shopper.holds("sale").unwrap());
    assert!(is_inside(&shopper.visits("/").await));
    assert!(is_inside(&tab.visits("/item").await), "the other tab still held the ticket");
    assert_eq!(tab.stands("sale").await["state"], "inside");
    proxy.shows("spillway_room_inside{room=\"sale\"}", 1.0).await;
    proxy.shows("spillway_room_admitted_total{room=\"sale\"}", 2.0).await;
}

#[tokio::test]
async fn a_part_of_the_page_does_not_take_the_turn() {
    let (_origin, proxy) = behind(&small(1)).await;
    let [inside, shopper] = pair(&proxy).await;
    inside.calls("DELETE", "/.spillway/room/sale").await;
    shopper.becomes("sale", "called").await;
    let ticket = shopper.holds("sale");
    let image = shopper.loads("/logo.png").await;
    assert_eq!((image.status.as_u16(), &image.json()["queue"]["state"]), (503, &"called".into()));
    assert_eq!(shopper.holds("sale"), ticket);
    assert!(is_inside(&shopper.calls("GET", "/api").await), "a script may");
    assert_eq!(shopper.stands("sale").await["state"], "inside");
}

#[tokio::test]
async fn a_turn_that_nobody_takes_goes_to_the_next() {
    let (_origin, proxy) = behind("active_shoppers = 1\nclaim = \"1s\"\n").await;
    let [inside, absent] = pair(&proxy).await;
    let next = Shopper::at(&proxy);
    next.visits("/").await;
    next.stands("sale").await;
    inside.calls("DELETE", "/.spillway/room/sale").await;
    next.becomes("sale", "called").await;
    assert!(is_inside(&next.visits("/").await));
    let back = absent.stands("sale").await;
    assert_eq!((&back["state"], &back["position"]), (&"waiting".into(), &1.into()), "and is the next again");
}

#[tokio::test]
async fn an_idle_stay_frees_its_place() {
    let (_origin, proxy) = behind("active_shoppers = 1\nsession = \"1s\"\n").await;
    let [idle, next] = pair(&proxy).await;
    next.becomes("sale", "called").await;
    assert!(is_inside(&next.visits("/").await));
    assert!(is_waiting_page(&idle.visits("/").await));
}

/// A shop in which a journey begins at `/checkout` and ends the stay at `/checkout/paid`.
async fn checkout(room: &str) -> (Origin, Proxy, String) {
    let origin = Origin::saying("hello").await;
    let route = |name: &str, path: &str, more: &str| {
        format!(
            "[[route]]\nname = \"{name}\"\npath = \"{path}\"\nclass = \"browse\"\norigin = \"shop\"\n\
             room = \"sale\"\njourney = true\n{more}"
        )
    };
    let routes =
        route("checkout", "/checkout/{*rest}", "") + &route("paid", "/checkout/paid", "completes = \"sale\"\n");
    let config = format!("{}{routes}", shop(&origin, room));
    let proxy = Proxy::with(&config);
    (origin, proxy, config)
}

#[tokio::test]
async fn a_journey_inside_is_never_sent_back() {
    let (_origin, proxy, config) = checkout("active_shoppers = 1\nsession = \"1s\"\n").await;
    let [buyer, next] = pair(&proxy).await;
    assert!(is_inside(&buyer.visits("/checkout").await));
    assert!(buyer.cookie("spillway-journey").is_some());

    proxy.rewrite(&config.replace("[room.sale]\n", "[room.sale]\nmode = \"closed\"\n"));
    proxy.hears("the policy was read");
    next.becomes("sale", "closed").await;
    assert!(is_inside(&buyer.visits("/checkout/address").await));
    // Even where the slot is somebody else's.
    let pass = buyer.holds("sale").unwrap();
    buyer.calls("DELETE", "/.spillway/room/sale").await;
    buyer.takes("spillway-room-sale", &pass);
    assert!(is_inside(&buyer.calls("POST", "/checkout/pay").await));
    assert!(is_inside(&buyer.visits("/item").await));
    assert!((rejects(&proxy, "stale").await - 2.0).abs() < f64::EPSILON, "and it is counted");

    let paid = buyer.calls("POST", "/checkout/paid").await;
    assert!(is_inside(&paid));
    assert_eq!(buyer.cookie("spillway-journey"), None, "no journey outlasts its order");
    assert!(is_inside(&buyer.visits("/thanks").await));
}

#[tokio::test]
async fn a_journey_alone_is_no_way_in() {
    let (_origin, proxy, _) = checkout(&small(1)).await;
    let [buyer, next] = pair(&proxy).await;
    assert!(is_inside(&buyer.visits("/checkout").await));
    let journey = buyer.cookie("spillway-journey").unwrap();
    let friend = Shopper::at(&proxy);
    friend.takes("spillway-journey", &journey);
    assert!(is_waiting_page(&friend.visits("/").await), "without a pass");
    assert!(is_waiting_page(&friend.visits("/checkout").await), "with a place");
    let forger = Shopper::at(&proxy);
    forger.takes("spillway-journey", &journey);
    forger.takes("spillway-room-sale", "1");
    assert!(is_waiting_page(&forger.visits("/checkout").await), "with what is no pass");

    buyer.calls("DELETE", "/.spillway/room/sale").await;
    next.becomes("sale", "called").await;
    next.takes("spillway-journey", &journey);
    assert!(is_inside(&next.visits("/").await), "who has one takes the turn as everybody");
    assert_eq!(next.stands("sale").await["state"], "inside");
}

#[tokio::test]
async fn a_journey_ends_with_the_stay() {
    let (_origin, proxy, _) = checkout(&small(1)).await;
    let [buyer, _next] = pair(&proxy).await;
    buyer.visits("/checkout").await;
    let paid = buyer.calls("POST", "/checkout/paid").await;
    let given: Vec<_> = paid.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(given.len(), 2, "{given:?}");
    assert!(given.contains(&"spillway-journey=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"), "{given:?}");
    assert!(is_inside(&buyer.visits("/thanks").await), "the last page");
    let other = Shopper::at(&proxy);
    assert!(is_waiting_page(&other.visits("/").await));
}

#[tokio::test]
async fn a_pass_is_not_kept_for_others() {
    let (_origin, proxy) = shop_of(&small(10)).await;
    let first = Shopper::at(&proxy);
    let given = first.visits("/cached").await;
    assert!(given.header("set-cookie").starts_with("spillway-room-sale="));
    assert_eq!((given.header("cache-control"), given.header("cdn-cache-control")), ("private, no-cache", ""));
    let again = first.visits("/cached").await;
    assert_eq!((again.header("set-cookie"), again.header("cache-control")), ("", "public, max-age=60"));
    let own = Shopper::at(&proxy).visits("/own").await;
    assert_eq!(own.header("cache-control"), "private, max-age=60");
}

//! What each mode does to those who come.

use super::{behind, comes_in, is_inside, is_waiting_page, shop, small};
use crate::harness::Shopper;

#[tokio::test]
async fn auto_lets_in_as_many_as_may_be_inside_and_forms_a_line_of_the_rest() {
    let (origin, proxy) = behind(&small(2)).await;
    let [first, second, third, fourth] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&first, "/").await;
    comes_in(&second, "/").await;
    assert!(is_waiting_page(&third.visits("/").await));
    assert_eq!(third.stands("sale").await["position"], 1);
    assert!(is_waiting_page(&fourth.visits("/").await));
    assert_eq!(fourth.stands("sale").await["position"], 2);
    assert!(is_inside(&first.visits("/item").await), "who is inside stays");
    assert!(is_inside(&first.loads("/logo.png").await) && is_inside(&first.calls("POST", "/cart").await));
    assert_eq!(origin.targets(), ["/", "/", "/item", "/logo.png", "/cart"]);
    proxy.shows("spillway_room_waiting{room=\"sale\"}", 2.0).await;
    proxy.shows("spillway_room_inside{room=\"sale\"}", 2.0).await;
}

#[tokio::test]
async fn whoever_leaves_makes_room_for_the_next() {
    let (_origin, proxy) = behind(&small(1)).await;
    let [first, second, third] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&first, "/").await;
    for waiting in [&second, &third] {
        assert!(is_waiting_page(&waiting.visits("/").await));
        waiting.stands("sale").await;
    }
    assert_eq!(first.calls("DELETE", "/.spillway/room/sale").await.status, 204);
    second.becomes("sale", "called").await;
    assert_eq!(third.stands("sale").await["state"], "waiting");
    assert!(is_inside(&second.visits("/").await));
    assert_eq!(second.stands("sale").await["state"], "inside");
    assert!(is_waiting_page(&first.visits("/").await), "who has left stands at the end");
    assert_eq!(first.stands("sale").await["position"], 2);
}

#[tokio::test]
async fn where_nobody_waits_a_room_is_in_nobodys_way() {
    let (origin, proxy) = behind(&small(2)).await;
    let program = proxy.client();
    assert!(is_inside(&program.get("/feed").await), "no browser, no cookie, no place");
    assert!(is_inside(&program.call("POST", "/hook", "paid").await));
    assert!(is_inside(&Shopper::at(&proxy).loads("/logo.png").await));
    assert_eq!(origin.seen().len(), 3);
    assert!(proxy.metric("spillway_room_inside{room=\"sale\"}").await.abs() < f64::EPSILON);
}

#[tokio::test]
async fn always_sends_everybody_through_the_line() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 10\n").await;
    let shopper = Shopper::at(&proxy);
    assert!(is_waiting_page(&shopper.visits("/").await));
    shopper.becomes("sale", "called").await;
    assert!(is_inside(&shopper.visits("/").await));
    assert_eq!(proxy.client().get("/feed").await.status, 503);
}

#[tokio::test]
async fn paused_keeps_places_and_lets_nobody_in() {
    let (origin, proxy) = behind("mode = \"paused\"\nactive_shoppers = 10\n").await;
    let [first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    for shopper in [&first, &second] {
        assert!(is_waiting_page(&shopper.visits("/").await));
    }
    let status = first.stands("sale").await;
    assert_eq!((&status["state"], &status["position"]), (&"paused".into(), &1.into()));
    assert!(status["eta_seconds"]["likely"].is_null());
    assert_eq!(second.stands("sale").await["position"], 2);

    proxy.rewrite(&shop(&origin, &small(1)));
    proxy.hears("the policy was read");
    first.becomes("sale", "called").await;
    assert!(is_inside(&first.visits("/").await));
    assert_eq!(second.stands("sale").await["position"], 1);
}

#[tokio::test]
async fn closed_gives_no_place_keeps_those_there_are_and_leaves_those_inside() {
    let (origin, proxy) = behind(&small(1)).await;
    let [inside, waiting, late] = std::array::from_fn(|_| Shopper::at(&proxy));
    comes_in(&inside, "/").await;
    assert!(is_waiting_page(&waiting.visits("/").await));
    waiting.stands("sale").await;

    proxy.rewrite(&shop(&origin, "mode = \"closed\"\nactive_shoppers = 1\n"));
    proxy.hears("the policy was read");
    waiting.becomes("sale", "closed").await;
    assert!(is_waiting_page(&late.visits("/").await));
    assert_eq!(late.holds("sale"), None);
    let problem = late.calls("GET", "/").await;
    assert_eq!((problem.status.as_u16(), &problem.json()["queue"]["state"]), (503, &"closed".into()));
    assert!(is_inside(&inside.visits("/").await));

    proxy.rewrite(&shop(&origin, &small(1)));
    proxy.hears("the policy was read");
    let place = waiting.becomes("sale", "waiting").await;
    assert_eq!(place["position"], 1, "the place was kept");
}

#[tokio::test]
async fn off_lets_everybody_in_and_counts_who_would_have_waited() {
    let (_origin, proxy) = behind("mode = \"off\"\nactive_shoppers = 2\n").await;
    for at in 0..5 {
        let shopper = Shopper::at(&proxy).from(&format!("192.0.2.{at}"));
        assert!(is_inside(&shopper.visits("/").await));
        assert_eq!(shopper.cookies(), "");
    }
    proxy.shows("spillway_decisions_total{decision=\"refuse\",reason=\"waiting-room\",mode=\"shadow\"}", 3.0).await;
}

#[tokio::test]
async fn a_room_that_is_turned_off_lets_those_who_wait_in() {
    let (origin, proxy) = behind("mode = \"paused\"\nactive_shoppers = 1\n").await;
    let shopper = Shopper::at(&proxy);
    assert!(is_waiting_page(&shopper.visits("/").await));
    shopper.stands("sale").await;
    proxy.rewrite(&shop(&origin, "mode = \"off\"\nactive_shoppers = 1\n"));
    proxy.hears("the policy was read");
    shopper.becomes("sale", "called").await;
    assert!(is_inside(&shopper.visits("/").await));
}

#[tokio::test]
async fn the_rate_bounds_who_comes_in() {
    let (_origin, proxy) = behind("mode = \"always\"\nactive_shoppers = 10\nadmit_rate = \"1/h\"\n").await;
    let [first, second] = std::array::from_fn(|_| Shopper::at(&proxy));
    assert!(is_waiting_page(&first.visits("/").await));
    first.becomes("sale", "called").await;
    assert!(is_waiting_page(&second.visits("/").await));
    let status = second.stands("sale").await;
    assert_eq!((&status["state"], &status["position"]), (&"waiting".into(), &1.into()));
    assert!(is_inside(&first.visits("/").await));
    assert_eq!(second.stands("sale").await["state"], "waiting");
}

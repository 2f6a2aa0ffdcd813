//! A request goes through and an operator sees it.

use crate::harness::{Origin, Proxy};

#[tokio::test]
async fn a_request_goes_through_and_is_counted() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let answer = proxy.client().get("/a?b=c").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    assert_eq!(origin.last().target, "/a?b=c");
    assert_eq!(origin.last().header("x-spillway-route"), "everything");
    assert!((proxy.metric("spillway_requests_total{").await - 1.0).abs() < f64::EPSILON);
}

use bytes::Bytes;
use http::Request;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http_body_util::Full;
use tokio::task::LocalSet;

use super::*;
use crate::demo::database::Parameters;
use crate::demo::shoppers::{Connections, Reply};
use crate::demo::station::Model;

/// Runs `visit` against a shop whose database takes no time worth mentioning.
fn visiting<F: Future<Output = ()>>(visit: impl FnOnce(Visitor) -> F) -> u64 {
    let quick = Model::Retrograde.build(Parameters { speed: 1e3, ..Parameters::default() });
    let shop = Storefront::open(([127, 0, 0, 1], 0).into(), quick).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let visitor = Visitor { connections: Connections::new(shop.address()), cookies: Vec::new() };
    LocalSet::new().block_on(&runtime, visit(visitor));
    shop.orders()
}

struct Visitor {
    connections: Connections,
    cookies: Vec<String>,
}

impl Visitor {
    async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    /// Sends a form and gives where the answer points to.
    async fn post(&mut self, path: &str, form: &str) -> String {
        let reply = self.send("POST", path, form).await;
        assert_eq!(reply.status, 303, "{path} {form}");
        reply.headers[LOCATION].to_str().unwrap().to_owned()
    }

    async fn send(&mut self, method: &str, path: &str, form: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).header(COOKIE, self.cookies.join("; "));
        let request = request.body(Full::new(Bytes::from(form.to_owned()))).unwrap();
        let reply = self.connections.send(request).await.unwrap();
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = pair.split_once('=').unwrap().0.to_owned() + "=";
            self.cookies.retain(|known| !known.starts_with(&name));
            self.cookies.push(pair);
        }
        reply
    }

    async fn payment(&mut self) -> String {
        let page = text(&self.get("/pay").await);
        page.split("name=\"payment\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

#[test]
fn a_shopper_buys_two_bowls() {
    let orders = visiting(|mut visitor| async move {
        assert!(text(&visitor.get("/").await).contains("Ripple bowl"));
        assert!(text(&visitor.get("/products/bowl").await).contains("$22.00"));
        assert_eq!(visitor.post("/cart", "product=bowl&quantity=1").await, "/cart");
        assert_eq!(visitor.post("/cart", "product=bowl&quantity=1").await, "/cart");
        assert!(text(&visitor.get("/cart").await).contains("$44.00"));
        assert_eq!(visitor.post("/checkout", "name=J%C3%BCrgen&address=Quay+3").await, "/pay");
        let payment = visitor.payment().await;
        let order = visitor.post("/pay", &format!("payment={payment}")).await;
        let page = text(&visitor.get(&order).await);
        assert!(page.contains("Thank you, Jürgen") && page.contains("2 × Ripple bowl") && page.contains("$44.00"));
        assert!(text(&visitor.get("/cart").await).contains("It is empty"));
    });
    assert_eq!(orders, 1);
}

#[test]
fn a_payment_whose_answer_was_lost_can_be_sent_again() {
    let orders = visiting(|mut visitor| async move {
        visitor.post("/cart", "product=cup").await;
        visitor.post("/checkout", "name=Ada&address=Quay+3").await;
        let form = format!("payment={}", visitor.payment().await);
        let before = visitor.cookies.clone();
        let first = visitor.post("/pay", &form).await;
        visitor.cookies = before;
        assert_eq!(visitor.post("/pay", &form).await, first);
    });
    assert_eq!(orders, 1);
}

#[test]
fn steps_cannot_be_skipped() {
    let orders = visiting(|mut visitor| async move {
        assert_eq!(visitor.get("/checkout").await.headers[LOCATION], "/cart");
        visitor.post("/cart", "product=cup").await;
        assert_eq!(visitor.get("/pay").await.headers[LOCATION], "/checkout");
        assert_eq!(visitor.post("/pay", "payment=x").await, "/checkout");
        assert_eq!(visitor.send("POST", "/checkout", "name=+&address=Quay").await.status, 422);
        visitor.post("/cart", "product=cup&set=1&quantity=2&remove=1").await;
        assert_eq!(visitor.get("/checkout").await.headers[LOCATION], "/cart");
    });
    assert_eq!(orders, 0);
}

#[test]
fn what_shoppers_type_is_escaped() {
    visiting(|mut visitor| async move {
        let page = text(&visitor.get("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await);
        assert!(!page.contains("<script>alert") && page.contains("alert(1)"));
        visitor.post("/cart", "product=cup").await;
        visitor.post("/checkout", "name=%3Cb%3EAda&address=Quay+3").await;
        let page = text(&visitor.get("/pay").await);
        assert!(!page.contains("<b>Ada") && page.contains("Ada"));
    });
}

#[test]
fn unknown_pages_are_404_and_long_forms_413() {
    visiting(|mut visitor| async move {
        for path in ["/products/yacht", "/orders/1", "/recommendations?for=yacht", "/admin"] {
            assert_eq!(visitor.get(path).await.status, 404, "{path}");
        }
        assert_eq!(visitor.send("POST", "/cart", "product=yacht").await.status, 404);
        assert_eq!(visitor.send("POST", "/cart", &"x".repeat(20_000)).await.status, 413);
        assert_eq!(visitor.get("/healthz").await.status, 200);
    });
}

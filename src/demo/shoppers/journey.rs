//! What one shopper asks for, in which order.

use std::borrow::Cow;

use http::{Method, Uri};

use crate::demo::page::Page;
use crate::demo::storefront::CATALOGUE;

/// One request of a journey.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) page: Page,
    pub(super) method: Method,
    pub(super) target: Cow<'static, str>,
    pub(super) form: String,
}

/// From the front page to payment; the confirmation is asked for where the payment's answer points to.
pub(super) fn journey(dice: &mut fastrand::Rng) -> Vec<Step> {
    let slug = dice.choice(CATALOGUE).map_or("", |product| product.slug);
    let word = dice.choice(&["tea", "water", "rain", "table", "glass"]).copied().unwrap_or_default();
    let payment = dice.u64(..);
    vec![
        get(Page::Home, "/"),
        get(Page::Product, format!("/products/{slug}")),
        get(Page::Search, format!("/search?q={word}")),
        post(Page::ChangeCart, "/cart", format!("product={slug}&quantity=1")),
        get(Page::Cart, "/cart"),
        get(Page::Checkout, "/checkout"),
        post(Page::Deliver, "/checkout", "name=Sample+Shopper&address=Riverside+1".to_owned()),
        get(Page::Payment, "/pay"),
        post(Page::Pay, "/pay", format!("payment={payment:016x}&with=Play+money")),
    ]
}

/// What a browser loads by itself with that page.
pub(super) fn alongside(step: &Step) -> Option<Step> {
    let slug = step.target.strip_prefix("/products/")?;
    Some(get(Page::Recommendations, format!("/recommendations?for={slug}")))
}

/// The confirmation, if that is where `location` points to; some proxies make it absolute.
pub(super) fn confirmation(location: &str) -> Option<Step> {
    let target = location.parse::<Uri>().ok()?.path().to_owned();
    target.starts_with("/orders/").then(|| get(Page::Order, target))
}

fn get(page: Page, target: impl Into<Cow<'static, str>>) -> Step {
    Step { page, method: Method::GET, target: target.into(), form: String::new() }
}

fn post(page: Page, target: &'static str, form: String) -> Step {
    Step { page, method: Method::POST, target: target.into(), form }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_may_be_absolute() {
        let order = get(Page::Order, "/orders/B2");
        assert_eq!(confirmation("/orders/B2"), Some(order.clone()));
        assert_eq!(confirmation("http://shop.example:8080/orders/B2"), Some(order));
        assert_eq!(confirmation("/cart"), None);
    }

    #[test]
    fn a_journey_asks_for_each_kind_of_page_once() {
        let steps = journey(&mut fastrand::Rng::with_seed(3));
        let mut pages: Vec<Page> = steps.iter().map(|step| step.page).collect();
        pages.extend(steps.iter().filter_map(alongside).map(|step| step.page));
        pages.push(Page::Order);
        assert_eq!(pages.len(), Page::ALL.len());
        assert!(Page::ALL.iter().all(|page| pages.contains(page)));
    }
}

//! What one shopper asks for, in which order.

use std::borrow::Cow;

use http::{Method, Uri};

use super::timeline::Errand;
use crate::demo::page::Page;
use crate::demo::storefront::{CATALOGUE, HOT};

/// One request of a journey.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) page: Page,
    pub(super) method: Method,
    pub(super) target: Cow<'static, str>,
    pub(super) form: String,
}

/// What somebody with that errand asks for; `hot` shoppers want the product that everybody wants.
pub(super) fn journey(errand: Errand, hot: bool, dice: &mut fastrand::Rng) -> Vec<Step> {
    let others: Vec<&str> = CATALOGUE.iter().map(|product| product.slug).filter(|slug| *slug != HOT).collect();
    let slug = if hot { HOT } else { dice.choice(&others).copied().unwrap_or(HOT) };
    match errand {
        Errand::Buy => purchase(slug, dice),
        Errand::Look => {
            let another = dice.choice(&others).copied().unwrap_or(HOT);
            vec![get(Page::Home, "/"), product(slug), search(dice), product(another)]
        }
    }
}

/// From the front page to payment; the confirmation is asked for where the payment's answer points to.
fn purchase(slug: &str, dice: &mut fastrand::Rng) -> Vec<Step> {
    let payment = dice.u64(..);
    vec![
        get(Page::Home, "/"),
        product(slug),
        search(dice),
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

fn product(slug: &str) -> Step {
    get(Page::Product, format!("/products/{slug}"))
}

fn search(dice: &mut fastrand::Rng) -> Step {
    let word = dice.choice(&["tea", "water", "rain", "table", "glass"]).copied().unwrap_or_default();
    get(Page::Search, format!("/search?q={word}"))
}

fn get(page: Page, target: impl Into<Cow<'static, str>>) -> Step {
    Step { page, method: Method::GET, target: target.into(), form: String::new() }
}

fn post(page: Page, target: &'static str, form: String) -> Step {
    Step { page, method: Method::POST, target: target.into(), form }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo::page::Class;

    #[test]
    fn a_confirmation_may_be_absolute() {
        let order = get(Page::Order, "/orders/B2");
        assert_eq!(confirmation("/orders/B2"), Some(order.clone()));
        assert_eq!(confirmation("http://shop.example:8080/orders/B2"), Some(order));
        assert_eq!(confirmation("/cart"), None);
    }

    #[test]
    fn a_journey_asks_for_each_kind_of_page_once() {
        let steps = journey(Errand::Buy, false, &mut fastrand::Rng::with_seed(3));
        let mut pages: Vec<Page> = steps.iter().map(|step| step.page).collect();
        pages.extend(steps.iter().filter_map(alongside).map(|step| step.page));
        pages.push(Page::Order);
        assert_eq!(pages.len(), Page::ALL.len());
        assert!(Page::ALL.iter().all(|page| pages.contains(page)));
    }

    #[test]
    fn only_who_wants_the_hot_product_meets_its_lock() {
        let hot = format!("/products/{HOT}");
        for seed in 0..50 {
            for errand in [Errand::Buy, Errand::Look] {
                let wants = |hot| journey(errand, hot, &mut fastrand::Rng::with_seed(seed));
                assert!(wants(false).iter().all(|step| step.target != hot && !step.form.contains(HOT)));
                assert_eq!(wants(true).iter().filter(|step| step.target == hot).count(), 1);
            }
        }
    }

    #[test]
    fn the_work_of_an_errand_is_that_of_its_pages() {
        for errand in [Errand::Buy, Errand::Look] {
            let steps = journey(errand, true, &mut fastrand::Rng::with_seed(3));
            let own =
                |step: &Step| step.page.work() + alongside(step).map_or(Duration::ZERO, |extra| extra.page.work());
            let order = if errand == Errand::Buy { Page::Order.work() } else { Duration::ZERO };
            assert_eq!(errand.work(), steps.iter().map(own).sum::<Duration>() + order);
            let hot = steps.iter().filter(|step| step.target.ends_with(HOT) || step.form.contains(HOT));
            assert_eq!(errand.hot_work(), hot.map(|step| step.page.work()).sum::<Duration>());
        }
    }

    #[test]
    fn who_looks_around_puts_nothing_into_a_cart() {
        let steps = journey(Errand::Look, false, &mut fastrand::Rng::with_seed(3));
        assert!(steps.iter().all(|step| step.method == Method::GET && step.page.class() == Class::Browse));
    }
}

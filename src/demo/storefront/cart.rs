//! What a shopper means to buy, kept in a cookie such as `teapot.1!bowl.4`.

use std::fmt;

use super::catalogue::{Money, Product, product};

/// The cookie it lives in.
pub(super) const COOKIE: &str = "cart";

/// Nobody buys more of one thing here.
pub(super) const MOST: u32 = 9;

/// Lines of different products, none of them empty, in the order they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cart {
    pub(super) lines: Vec<Line>,
}

/// Some of one product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) product: &'static Product,
    pub(super) quantity: u32,
}

impl Line {
    pub(super) fn total(&self) -> Money {
        Money(self.product.price.0 * self.quantity)
    }
}

impl Cart {
    /// Reads a cookie; whatever makes no sense in it is left out.
    pub(super) fn parse(cookie: &str) -> Self {
        let mut cart = Self::default();
        for entry in cookie.split('!') {
            if let Some((slug, quantity)) = entry.split_once('.')
                && let (Some(product), Ok(quantity)) = (product(slug), quantity.parse())
            {
                cart.add(product, quantity);
            }
        }
        cart
    }

    pub(super) fn add(&mut self, product: &'static Product, quantity: u32) {
        let present = self.lines.iter().find(|line| line.product.slug == product.slug).map_or(0, |line| line.quantity);
        self.set(product, present.saturating_add(quantity));
    }

    /// Sets the quantity; none takes the product out.
    pub(super) fn set(&mut self, product: &'static Product, quantity: u32) {
        let quantity = quantity.min(MOST);
        match self.lines.iter_mut().find(|line| line.product.slug == product.slug) {
            Some(line) => line.quantity = quantity,
            None => self.lines.push(Line { product, quantity }),
        }
        self.lines.retain(|line| line.quantity > 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn pieces(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }

    pub(super) fn total(&self) -> Money {
        Money(self.lines.iter().map(|line| line.total().0).sum())
    }
}

impl fmt::Display for Cart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, line) in self.lines.iter().enumerate() {
            let separator = if n > 0 { "!" } else { "" };
            write!(f, "{separator}{}.{}", line.product.slug, line.quantity)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_its_cookie() {
        let mut cart = Cart::default();
        cart.add(product("teapot").unwrap(), 1);
        cart.add(product("bowl").unwrap(), 2);
        cart.add(product("bowl").unwrap(), 2);
        assert_eq!(cart.to_string(), "teapot.1!bowl.4");
        assert_eq!(Cart::parse(&cart.to_string()), cart);
        assert_eq!(cart.pieces(), 5);
        assert_eq!(cart.total().0, product("teapot").unwrap().price.0 + 4 * product("bowl").unwrap().price.0);
    }

    #[test]
    fn nonsense_is_left_out_and_amounts_are_bounded() {
        assert!(Cart::parse("yacht.1!!teapot!teapot.x!teapot.-1!bowl.0").is_empty());
        assert_eq!(Cart::parse("teapot.4294967295!teapot.4294967295").pieces(), MOST);
    }

    #[test]
    fn setting_none_takes_a_product_out() {
        let mut cart = Cart::parse("teapot.2!bowl.1");
        cart.set(product("teapot").unwrap(), 0);
        assert_eq!(cart.to_string(), "bowl.1");
    }
}

//! What has been paid for.

use std::collections::{HashMap, VecDeque};

use super::cart::Cart;

/// Older orders than this many are forgotten.
const KEPT: usize = 20_000;

/// A paid order.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) cart: Cart,
}

/// The latest orders, by number and by the payment that made them.
#[derive(Debug, Default)]
pub(super) struct OrderBook {
    orders: HashMap<String, Order>,
    payments: HashMap<String, String>,
    oldest_first: VecDeque<String>,
}

impl OrderBook {
    /// Places an order and gives its number, and whether it is new: the same `payment` sent again buys nothing twice.
    pub(super) fn place(&mut self, payment: &str, name: String, cart: Cart) -> (String, bool) {
        if let Some(number) = self.payments.get(payment) {
            return (number.clone(), false);
        }
        let number = random_text(10);
        self.forget_oldest();
        self.oldest_first.push_back(payment.to_owned());
        self.payments.insert(payment.to_owned(), number.clone());
        self.orders.insert(number.clone(), Order { number: number.clone(), name, cart });
        (number, true)
    }

    /// The order that `payment` made.
    pub(super) fn paid_by(&self, payment: &str) -> Option<&Order> {
        self.orders.get(self.payments.get(payment)?)
    }

    pub(super) fn get(&self, number: &str) -> Option<&Order> {
        self.orders.get(number)
    }

    fn forget_oldest(&mut self) {
        if self.oldest_first.len() >= KEPT
            && let Some(payment) = self.oldest_first.pop_front()
            && let Some(number) = self.payments.remove(&payment)
        {
            self.orders.remove(&number);
        }
    }
}

/// Text that nobody guesses and everybody can read out: order numbers show what somebody bought.
pub(super) fn random_text(length: usize) -> String {
    const LETTERS: &[u8] = b"23456789BCDFGHJKLMNPQRSTVWXZ";
    (0..length).filter_map(|_| fastrand::choice(LETTERS)).map(|&letter| char::from(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_sent_twice_is_one_order() {
        let mut book = OrderBook::default();
        let (number, new) = book.place("p1", "Ada".to_owned(), Cart::parse("bowl.2"));
        assert!(new);
        assert_eq!(book.place("p1", "Ada".to_owned(), Cart::default()), (number.clone(), false));
        assert_eq!(book.get(&number).map(|order| order.cart.pieces()), Some(2));
        assert_ne!(book.place("p2", "Ada".to_owned(), Cart::parse("bowl.2")).0, number);
    }

    #[test]
    fn old_orders_are_forgotten() {
        let mut book = OrderBook::default();
        let (first, _) = book.place("first", String::new(), Cart::default());
        for n in 0..KEPT {
            book.place(&n.to_string(), String::new(), Cart::default());
        }
        assert!(book.get(&first).is_none());
        assert_eq!((book.orders.len(), book.payments.len(), book.oldest_first.len()), (KEPT, KEPT, KEPT));
    }
}

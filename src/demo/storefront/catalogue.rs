//! What the shop sells.

use std::fmt;

use super::art;

/// A product.
#[derive(Debug, PartialEq)]
pub struct Product {
    /// Its name in URLs.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What it costs.
    pub price: Money,
    /// A sentence or two.
    pub about: &'static str,
    /// Other words it is found by.
    pub words: &'static str,
    /// An inline SVG picture.
    pub art: &'static str,
}

/// Cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money(pub u32);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The slug of the product that everybody may want at once.
pub const HOT: &str = "teapot";

/// Everything on the shelf.
pub const CATALOGUE: &[Product] = &[
    Product {
        slug: "teapot",
        name: "Round teapot",
        price: Money(4800),
        about: "Stoneware for two large cups. The spout stops when you stop, which cannot be said of most teapots.",
        words: "tea pot stoneware kitchen blue",
        art: art::TEAPOT,
    },
    Product {
        slug: "cup",
        name: "Morning cup",
        price: Money(1600),
        about: "Holds 300 ml and stays warm for as long as you take to wake up.",
        words: "tea coffee mug stoneware kitchen",
        art: art::CUP,
    },
    Product {
        slug: "kettle",
        name: "Whistling kettle",
        price: Money(6400),
        about: "Boils a litre and a half and tells you so in two friendly notes.",
        words: "tea water steel kitchen",
        art: art::KETTLE,
    },
    Product {
        slug: "bowl",
        name: "Ripple bowl",
        price: Money(2200),
        about: "Three rings in the glaze, as if something had just dropped in.",
        words: "soup rice stoneware kitchen",
        art: art::BOWL,
    },
    Product {
        slug: "carafe",
        name: "Spring carafe",
        price: Money(3600),
        about: "Blown glass with a narrow waist that fits every hand.",
        words: "water wine glass bottle table",
        art: art::CARAFE,
    },
    Product {
        slug: "glasses",
        name: "Two tumblers",
        price: Money(1900),
        about: "A pair of heavy-bottomed glasses that stack without sticking.",
        words: "water glass drink table",
        art: art::GLASSES,
    },
    Product {
        slug: "watering-can",
        name: "Watering can",
        price: Money(3900),
        about: "Galvanised, three litres, with a rose so fine that seedlings do not notice.",
        words: "garden plants water steel",
        art: art::WATERING_CAN,
    },
    Product {
        slug: "vase",
        name: "Reed vase",
        price: Money(2900),
        about: "Tall and slim. One branch is enough.",
        words: "flowers stoneware table",
        art: art::VASE,
    },
    Product {
        slug: "umbrella",
        name: "Harbour umbrella",
        price: Money(5200),
        about: "Eight ribs of ash and a canopy that has met real wind.",
        words: "rain weather outside",
        art: art::UMBRELLA,
    },
    Product {
        slug: "soap",
        name: "Sea soap",
        price: Money(900),
        about: "Olive oil, a little salt, no scent at all.",
        words: "bath wash hands",
        art: art::SOAP,
    },
    Product {
        slug: "towel",
        name: "Linen towel",
        price: Money(2600),
        about: "Dries quickly, gets softer each year, and hangs by a loop.",
        words: "bath kitchen cloth",
        art: art::TOWEL,
    },
    Product {
        slug: "lamp",
        name: "Jetty lamp",
        price: Money(7800),
        about: "A small lantern with a warm light, at home on any table near the water.",
        words: "light lantern evening table",
        art: art::LAMP,
    },
];

/// The product of that name.
pub(super) fn product(slug: &str) -> Option<&'static Product> {
    CATALOGUE.iter().find(|product| product.slug == slug)
}

/// Products that match every word of `query`; an empty query matches all.
pub(super) fn search(query: &str) -> Vec<&'static Product> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    CATALOGUE
        .iter()
        .filter(|product| {
            let text = format!("{} {} {}", product.name, product.about, product.words).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        })
        .collect()
}

/// Three others that share words with `product`, the closest first.
pub(super) fn related(product: &Product) -> Vec<&'static Product> {
    let mut others: Vec<&Product> = CATALOGUE.iter().filter(|other| other.slug != product.slug).collect();
    let shared = |other: &Product| {
        other.words.split(' ').filter(|word| product.words.split(' ').any(|own| own == *word)).count()
    };
    others.sort_by_key(|other| std::cmp::Reverse(shared(other)));
    others.truncate(3);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_shows_cents() {
        assert_eq!(Money(4805).to_string(), "$48.05");
    }

    #[test]
    fn search_wants_every_word() {
        let names = |query| search(query).iter().map(|product| product.slug).collect::<Vec<_>>();
        assert_eq!(names("tea WATER"), ["kettle"]);
        assert_eq!(names("zeppelin"), [""; 0]);
        assert_eq!(search("").len(), CATALOGUE.len());
    }

    #[test]
    fn related_products_share_words() {
        let slugs: Vec<_> = related(product("teapot").unwrap()).iter().map(|product| product.slug).collect();
        assert_eq!(slugs, ["cup", "kettle", "bowl"]);
    }

    #[test]
    fn slugs_are_unique_and_safe_in_urls_and_cookies() {
        for (n, product) in CATALOGUE.iter().enumerate() {
            assert!(product.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", product.slug);
            assert_eq!(CATALOGUE.iter().position(|other| other.slug == product.slug), Some(n));
        }
    }
}

//! What happens in the demo, and when.

use std::net::SocketAddr;
use std::time::Duration;

use crate::demo::database::Parameters;
use crate::demo::shoppers::{Stretch, Timeline};

const CONFIG: &str = include_str!("demo.toml");

/// Shoppers a second in calm times. With 800 ms of work for each they keep 24 of the database's 40 jobs busy.
const CALM: f64 = 30.0;

/// Shoppers inside at once. A journey takes about five and a half seconds, so that they keep three of four of the
/// database's jobs busy: those inside meet a quick shop.
pub(super) const ROOM: u32 = 240;

/// Shoppers who know what they want, so that a journey fits into an act.
pub(super) const THINKING: Duration = Duration::from_millis(700);

/// The play: calm, a surge, calm again, and so on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) database: Parameters,
    surge: f64,
}

/// A part of the play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Before,
    Surge,
    After,
}

impl Act {
    pub(super) const ALL: [Self; 3] = [Self::Before, Self::Surge, Self::After];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Surge => "surge",
            Self::After => "after",
        }
    }

    fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::Before | Self::After => 10,
            Self::Surge => 20,
        })
    }
}

impl Scene {
    pub(super) fn new(surge: f64) -> Self {
        Self { database: Parameters::default(), surge }
    }

    /// Shoppers a second in calm times, and in a surge.
    pub(super) fn rates(&self) -> (f64, f64) {
        (self.rate(Act::Before), self.rate(Act::Surge))
    }

    pub(super) fn timeline(&self) -> Timeline {
        Timeline::new(Act::ALL.map(|act| Stretch { lasts: act.lasts(), rate: self.rate(act), buyers: 1.0 }).to_vec())
    }

    /// The act in which the second before `elapsed` lies.
    pub(super) fn act_at(&self, elapsed: Duration) -> Act {
        let round: u64 = Act::ALL.iter().map(|act| act.lasts().as_secs()).sum();
        let mut second = elapsed.as_secs().saturating_sub(1) % round;
        for act in Act::ALL {
            match second.checked_sub(act.lasts().as_secs()) {
                Some(rest) => second = rest,
                None => return act,
            }
        }
        Act::After
    }

    /// The proxy's configuration file.
    pub(super) fn config(&self, shop: SocketAddr, admin: SocketAddr, storefront: SocketAddr) -> String {
        CONFIG
            .replace("127.0.0.1:PORT", &shop.to_string())
            .replace("127.0.0.1:ADMIN", &admin.to_string())
            .replace("STOREFRONT", &storefront.to_string())
            .replace("SHOPPERS", &ROOM.to_string())
    }

    fn rate(&self, act: Act) -> f64 {
        match act {
            Act::Before | Act::After => CALM,
            Act::Surge => CALM * self.surge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::page::Class;

    #[test]
    fn the_acts_are_those_of_the_timeline() {
        let scene = Scene::new(10.0);
        let timeline = scene.timeline();
        for second in 0..100 {
            let within = Duration::from_millis(second * 1000 + 500);
            let rate = scene.rate(scene.act_at(Duration::from_secs(second + 1)));
            assert_eq!(timeline.rate_at(within), rate, "second {second}");
        }
        assert_eq!(scene.act_at(Duration::from_secs(11)), Act::Surge);
        assert_eq!(scene.act_at(Duration::from_secs(31)), Act::After);
    }

    #[test]
    fn the_configuration_is_a_good_one() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let typed = Scene::new(10.0).config(address(1), address(2), address(3));
        let settings = crate::config::load(&typed, std::path::Path::new("/nowhere")).unwrap();
        assert_eq!((settings.listeners[0].address, settings.admin.address), (address(1), address(2)));
        assert_eq!(settings.origins[0].servers[0].port, 3);
        let classes: Vec<_> = settings.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(classes, Class::ALL.map(Class::name));
    }
}

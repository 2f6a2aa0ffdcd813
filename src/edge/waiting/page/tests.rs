mod own;
mod standard;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::settings::{Language, RoomSettings};
use crate::edge::waiting::scene::{Page, Painter, Scene, Situation};
use crate::room::store::DrawRecord;
use crate::room::view::Estimate;

/// Somebody in line, with nothing special about them.
fn in_line(language: Language) -> Scene<'static> {
    Scene {
        room: "sale",
        language,
        title: None,
        message: None,
        situation: Situation::Waiting,
        rank: Some(812),
        waiting: 40_123,
        estimate: Estimate { likely: Some(95), late: Some(220) },
        poll_after: Duration::from_secs(9),
        opens: None,
        by_lot: false,
        commitment: None,
        number: Some(51_234),
        draw: None,
        to: "/shoes?colour=red&size=42",
        is_safe: true,
        request_id: "00000000000000000000000000000abc",
    }
}

/// The lobby that many of the examples were drawn in.
const DRAW: DrawRecord = DrawRecord { start: 50_000, size: 10_000, seed: [7; 32] };

fn opening() -> Timestamp {
    "2026-11-10T16:00:00Z".parse().unwrap()
}

fn text(page: &Page) -> &str {
    std::str::from_utf8(&page.body).unwrap()
}

fn html(painter: &dyn Painter, scene: &Scene<'_>) -> String {
    text(&painter.paint(scene)).to_owned()
}

/// A room of a configuration that has nothing else.
fn room(keys: &str) -> RoomSettings {
    let file = format!(
        "listener = [{{ address = \"[::1]:0\" }}]\norigin.shop.servers = [\"https://shop.internal\"]\n\
         class = [{{ name = \"all\" }}]\nroute = [{{ name = \"all\", path = \"/\", class = \"all\", origin = \"shop\" }}]\n\
         [room.sale]\nactive_shoppers = 10\n{keys}"
    );
    let settings = crate::config::load(&file, Path::new("")).unwrap();
    settings.rooms.into_iter().next().unwrap()
}

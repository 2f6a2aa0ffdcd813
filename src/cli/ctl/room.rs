//! `spillway ctl room …`.

use clap::{Subcommand, ValueEnum};
use http::Method;
use serde_json::{Map, Value as Json, json};

use super::client::segment;
use super::{Desk, Failure, words};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Every room on a line
    List,
    /// Everything about a room
    Show {
        /// The room
        room: String,
    },
    /// Whether a line forms: off lets everybody in, auto when the room is full, always sends everybody through it
    Mode {
        /// The room
        room: String,
        /// The mode
        #[arg(value_enum)]
        mode: Mode,
        #[command(flatten)]
        terms: Terms,
    },
    /// Let nobody in for now; places are kept and new ones given
    Pause {
        /// The room
        room: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Let nobody in and give no places; those inside go on
    Close {
        /// The room
        room: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Let shoppers in again, after a pause, after closing, or after the origin said that everything is sold
    Open {
        /// The room
        room: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// How fast shoppers are let in
    Rate {
        /// The room
        room: String,
        /// auto, or a rate such as 600/min
        rate: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// How many may be inside at once
    Cap {
        /// The room
        room: String,
        /// Shoppers
        shoppers: u32,
        #[command(flatten)]
        terms: Terms,
    },
    /// Say something to everybody who waits; an empty text says nothing any more
    Message {
        /// The room
        room: String,
        /// The text, for everybody; or one for each language, such as "ja=在庫わずか" "en=Nearly sold out"
        #[arg(required = true)]
        texts: Vec<String>,
        #[command(flatten)]
        terms: Terms,
    },
    /// Call so many at once, whatever the rate
    Admit {
        /// The room
        room: String,
        /// Shoppers
        shoppers: u32,
    },
    /// Begin anew: every ticket and every pass is void
    Reset {
        /// The room
        room: String,
    },
    /// Print the waiting page as it would look
    Preview {
        /// The room
        room: String,
        /// Where the shopper stands, such as lobby, waiting, paused, called, closed or sold-out
        #[arg(long, default_value = "waiting")]
        state: String,
        /// en, ja, zh-Hant, zh-Hans or ko
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Drop everything that was set here; the configuration holds again
    Drop {
        /// The room
        room: String,
    },
}

/// How a change is made.
#[derive(Debug, clap::Args)]
pub(super) struct Terms {
    /// Only tell what it would do to the waits
    #[arg(long)]
    dry_run: bool,
    /// End it by itself after this, such as 15m
    #[arg(long = "for", value_name = "DURATION")]
    ttl: Option<String>,
    /// Why, for those who find it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Whether a line forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Everybody is let in.
    Off,
    /// When the room is full.
    Auto,
    /// Everybody goes through it.
    Always,
    /// Nobody is let in, places are kept.
    Paused,
    /// Nobody is let in, and no places are given.
    Closed,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Paused => "paused",
            Self::Closed => "closed",
        }
    }
}

impl Command {
    pub(super) async fn perform(&self, desk: &Desk) -> Result<(), Failure> {
        match self {
            Self::List => {
                let rooms = desk.client.get("/v1/rooms").await?;
                desk.print(&rooms, words::rooms)
            }
            Self::Show { room } => {
                let room = desk.client.get(&path(room)).await?;
                desk.print(&room, words::room)
            }
            Self::Mode { room, mode, terms } => set_mode(desk, room, *mode, terms).await,
            Self::Pause { room, terms } => set_mode(desk, room, Mode::Paused, terms).await,
            Self::Close { room, terms } => set_mode(desk, room, Mode::Closed, terms).await,
            Self::Open { room, terms } => set_mode(desk, room, Mode::Auto, terms).await,
            Self::Rate { room, rate, terms } => change(desk, room, "admit_rate", json!(rate), terms).await,
            Self::Cap { room, shoppers, terms } => change(desk, room, "active_shoppers", json!(shoppers), terms).await,
            Self::Message { room, texts, terms } => change(desk, room, "message", message(texts), terms).await,
            Self::Admit { room, shoppers } => act(desk, room, "admit", &json!({ "count": shoppers })).await,
            Self::Reset { room } => {
                desk.confirm(&format!(
                    "Everybody in line of {room} loses the place, and everybody inside starts over."
                ))?;
                act(desk, room, "reset", &json!({ "confirm": room })).await
            }
            Self::Preview { room, state, language } => {
                let body = json!({ "state": state, "language": language });
                let page = desk.client.text(Method::POST, &format!("{}/preview", path(room)), &body).await?;
                desk.write(&page)
            }
            Self::Drop { room } => {
                let room = desk.client.ask(Method::DELETE, &path(room), &Json::Null).await?;
                desk.print(&room, words::room)
            }
        }
    }
}

async fn set_mode(desk: &Desk, room: &str, mode: Mode, terms: &Terms) -> Result<(), Failure> {
    let danger = match mode {
        Mode::Off => Some(format!("Everybody who waits in {room} is let in at once.")),
        Mode::Closed => Some(format!("Nobody is let into {room} any more, and newcomers are turned away.")),
        Mode::Auto | Mode::Always | Mode::Paused => None,
    };
    if let Some(danger) = danger.filter(|_| !terms.dry_run) {
        desk.confirm(&danger)?;
    }
    change(desk, room, "mode", json!(mode.as_str()), terms).await
}

async fn change(desk: &Desk, room: &str, key: &str, value: Json, terms: &Terms) -> Result<(), Failure> {
    let mut body = Map::from_iter([(key.to_owned(), value)]);
    let more = [("ttl", &terms.ttl), ("reason", &terms.reason)];
    body.extend(more.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?)))));
    let query = if terms.dry_run { "?dry_run=1" } else { "" };
    let changed = desk.client.ask(Method::PATCH, &format!("{}{query}", path(room)), &Json::Object(body)).await?;
    desk.print(&changed, words::changed)
}

async fn act(desk: &Desk, room: &str, action: &str, body: &Json) -> Result<(), Failure> {
    let done = desk.client.ask(Method::POST, &format!("{}/{action}", path(room)), body).await?;
    desk.print(&done, words::changed)
}

fn path(room: &str) -> String {
    format!("/v1/rooms/{}", segment(room))
}

/// One text as it is; several, or one that begins with the tag of a language, by language.
fn message(texts: &[String]) -> Json {
    let tagged = |text: &String| {
        let (tag, text) = text.split_once('=')?;
        let is_tag = (2..=12).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        is_tag.then(|| (tag.to_owned(), json!(text)))
    };
    match texts.iter().map(tagged).collect::<Option<Map<_, _>>>() {
        Some(by_language) => Json::Object(by_language),
        None => json!(texts.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_for_everybody_or_by_language() {
        let message = |texts: &[&str]| message(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(message(&["Back at noon"]), json!("Back at noon"));
        assert_eq!(message(&["Back", "at", "noon"]), json!("Back at noon"));
        assert_eq!(message(&["en=Back", "zh-Hant=回來"]), json!({"en": "Back", "zh-Hant": "回來"}));
        assert_eq!(message(&["1+1=2"]), json!("1+1=2"));
        assert_eq!(message(&[""]), json!(""));
    }
}

//! Figures, and whether they are what was aimed at.

use std::fmt::Write as _;

use serde::Serialize;

use crate::peer::Peer;

/// One figure, for everybody who was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What it is.
    pub(crate) name: String,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Everybody's, in the order they were measured.
    pub(crate) rows: Vec<Row>,
    /// What Spillway's should be.
    pub(crate) goal: Goal,
    /// What a reader should know about it.
    pub(crate) notes: Vec<String>,
}

/// One contender's figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Whose.
    pub(crate) who: String,
    /// One value for each round, or why there is none.
    pub(crate) outcome: Outcome,
}

/// What came of measuring somebody.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A value for each round.
    Rounds(Vec<f64>),
    /// Not measured, for this reason.
    Skipped(String),
}

/// What a figure is compared with.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Spillway's at most this many times that of the best of the others.
    TimesBest(f64),
    /// Spillway's at most this many times nginx's.
    TimesNginx(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Only to be seen.
    Shown,
}

/// What became of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Reached,
    Missed,
    /// Somebody's figure is missing.
    Open,
    /// There was none.
    Shown,
}

impl Row {
    pub(crate) fn measured(who: impl Into<String>, rounds: Vec<f64>) -> Self {
        Self { who: who.into(), outcome: Outcome::Rounds(rounds) }
    }

    pub(crate) fn skipped(who: impl Into<String>, why: impl Into<String>) -> Self {
        Self { who: who.into(), outcome: Outcome::Skipped(why.into()) }
    }

    pub(crate) fn median(&self) -> Option<f64> {
        match &self.outcome {
            Outcome::Rounds(rounds) => median(rounds),
            Outcome::Skipped(_) => None,
        }
    }
}

impl Figure {
    /// Spillway's median over the one it is compared with.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let peers: &[Peer] = match self.goal {
            Goal::TimesBest(_) => &[Peer::Nginx, Peer::Haproxy],
            Goal::TimesNginx(_) => &[Peer::Nginx],
            Goal::AtMost(_) | Goal::AtLeast(_) | Goal::Shown => &[],
        };
        let others = peers.iter().filter_map(|peer| self.median_of(peer.name()));
        Some(self.median_of(Peer::Spillway.name())? / others.reduce(f64::min)?)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let (value, reached): (_, fn(f64, f64) -> bool) = match self.goal {
            Goal::TimesBest(_) | Goal::TimesNginx(_) => (self.ratio(), |value, goal| value <= goal),
            Goal::AtMost(_) => (self.median_of(Peer::Spillway.name()), |value, goal| value <= goal),
            Goal::AtLeast(_) => (self.median_of(Peer::Spillway.name()), |value, goal| value >= goal),
            Goal::Shown => return Verdict::Shown,
        };
        match (value, self.goal.value()) {
            (Some(value), Some(goal)) if reached(value, goal) => Verdict::Reached,
            (Some(_), Some(_)) => Verdict::Missed,
            _ => Verdict::Open,
        }
    }

    fn median_of(&self, who: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.who == who).and_then(Row::median)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} [{}]\n", self.name, self.unit);
        for row in &self.rows {
            let _ = match &row.outcome {
                Outcome::Rounds(rounds) => {
                    let all = rounds.iter().map(|value| short(*value)).collect::<Vec<_>>().join("  ");
                    writeln!(text, "  {:<12} {:>10}   ({all})", row.who, median(rounds).map_or("-".to_owned(), short))
                }
                Outcome::Skipped(why) => writeln!(text, "  {:<12} skipped: {why}", row.who),
            };
        }
        let _ = writeln!(text, "  {}", self.judged());
        for note in &self.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        text
    }

    /// One row of the table whose heading is [`MARKDOWN_HEADING`].
    pub(crate) fn markdown(&self) -> String {
        let of = |peer: Peer| match self.rows.iter().find(|row| row.who == peer.name()) {
            Some(Row { outcome: Outcome::Skipped(_), .. }) => "skipped".to_owned(),
            row => row.and_then(Row::median).map_or("–".to_owned(), short),
        };
        let ratio = self.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        format!(
            "| {}, {} | {} | {} | {} | {ratio} | {} | {} |",
            self.name,
            self.unit,
            of(Peer::Spillway),
            of(Peer::Nginx),
            of(Peer::Haproxy),
            self.goal.text(),
            self.verdict().text(),
        )
    }

    /// What the table has no room for: why somebody was skipped, and notes.
    pub(crate) fn footnotes(&self) -> Vec<String> {
        let skipped = self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Skipped(why) => Some(format!("- {}: {} skipped, {why}", self.name, row.who)),
            Outcome::Rounds(_) => None,
        });
        skipped.chain(self.notes.iter().map(|note| format!("- {}: {note}", self.name))).collect()
    }

    /// Whether any of the table's columns has something to show.
    pub(crate) fn fits_the_table(&self) -> bool {
        self.rows.iter().any(|row| Peer::ALL.iter().any(|peer| row.who == peer.name()))
    }

    fn judged(&self) -> String {
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("ratio {ratio:.2}, "));
        match self.verdict() {
            Verdict::Shown => format!("{ratio}no goal"),
            verdict => format!("{ratio}goal {}: {}", self.goal.text(), verdict.text()),
        }
    }
}

/// The heading for [`Figure::markdown`].
pub(crate) const MARKDOWN_HEADING: &str =
    "| | Spillway | nginx | HAProxy | ratio | goal | |\n| --- | ---: | ---: | ---: | ---: | --- | --- |";

impl Goal {
    fn value(self) -> Option<f64> {
        match self {
            Self::TimesBest(value) | Self::TimesNginx(value) | Self::AtMost(value) | Self::AtLeast(value) => {
                Some(value)
            }
            Self::Shown => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::TimesBest(times) => format!("≤ {times:.2} ×"),
            Self::TimesNginx(times) => format!("≤ {times:.2} × nginx"),
            Self::AtMost(value) => format!("≤ {}", short(value)),
            Self::AtLeast(value) => format!("≥ {}", short(value)),
            Self::Shown => "–".to_owned(),
        }
    }
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Missed => "MISSED",
            Self::Open => "open",
            Self::Shown => "",
        }
    }
}

/// The middle value, the mean of the two in the middle for an even number.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(own: f64, nginx: f64, haproxy: Option<f64>, goal: Goal) -> Figure {
        let haproxy = match haproxy {
            Some(value) => Row::measured("haproxy", vec![value]),
            None => Row::skipped("haproxy", "not installed"),
        };
        let rows = vec![
            Row::measured("direct", vec![1.0]),
            Row::measured("spillway", vec![99.0, own, 0.0]),
            Row::measured("nginx", vec![nginx]),
            haproxy,
        ];
        Figure { name: "CPU".to_owned(), unit: "µs", rows, goal, notes: Vec::new() }
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_ratio_is_to_the_better_peer_and_not_to_the_origin() {
        let figure = figure(18.0, 20.0, Some(24.0), Goal::TimesBest(0.9));
        assert_eq!(figure.ratio(), Some(0.9));
        assert_eq!(figure.verdict(), Verdict::Reached);
        assert_eq!(figure.markdown(), "| CPU, µs | 18.0 | 20.0 | 24.0 | 0.90 | ≤ 0.90 × | reached |");
    }

    #[test]
    fn goals_can_be_missed() {
        assert_eq!(figure(21.0, 20.0, Some(24.0), Goal::TimesBest(1.0)).verdict(), Verdict::Missed);
        assert_eq!(figure(21.0, 20.0, Some(24.0), Goal::TimesNginx(1.0)).verdict(), Verdict::Missed);
        assert_eq!(figure(21.0, 22.0, Some(20.0), Goal::TimesNginx(1.0)).verdict(), Verdict::Reached);
        assert_eq!(figure(1.0, 20.0, None, Goal::AtMost(0.0)).verdict(), Verdict::Missed);
        assert_eq!(figure(1.0, 20.0, None, Goal::AtLeast(2.0)).verdict(), Verdict::Missed);
        assert_eq!(figure(2.0, 20.0, None, Goal::AtLeast(2.0)).verdict(), Verdict::Reached);
    }

    #[test]
    fn without_spillway_the_verdict_is_open() {
        let mut figure = figure(1.0, 20.0, None, Goal::TimesBest(1.0));
        figure.rows.retain(|row| row.who != "spillway");
        assert_eq!(figure.verdict(), Verdict::Open);
        assert!(figure.text().contains("haproxy      skipped: not installed"));
        assert_eq!(figure.markdown(), "| CPU, µs | – | 20.0 | skipped | – | ≤ 1.00 × | open |");
        assert_eq!(figure.footnotes(), ["- CPU: haproxy skipped, not installed"]);
    }
}

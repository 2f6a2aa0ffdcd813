//! What the demo prints: the addresses, a line a second, a summary. It fits 80 columns.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::scene::{Act, Scene};
use crate::demo::exposition;
use crate::demo::page::Class;
use crate::demo::shoppers::Tally;

/// Lines between two headings, so that one is always in sight.
const LINES: u32 = 20;

/// Until the first shoppers are through. The shop is not yet as busy as it will be, so this is left out of the summary.
const FIRST_JOURNEYS: Duration = Duration::from_secs(6);

/// The terminal's side of the demo.
pub(super) struct Console {
    scene: Scene,
    began: Instant,
    last: Duration,
    lines: u32,
    sums: [Sum; Act::ALL.len()],
    all: Tally,
}

/// What the proxy says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    seats: f64,
    limit: f64,
    waiting: f64,
    in_line: f64,
}

#[derive(Default)]
struct Sum {
    time: Duration,
    tally: Tally,
}

impl Said {
    /// Reads a page of metrics.
    pub(super) fn read(page: &str) -> Option<Self> {
        Some(Self {
            seats: exposition::sum(page, "spillway_capacity_in_use")?,
            limit: exposition::sum(page, "spillway_capacity_limit")?,
            waiting: exposition::sum(page, "spillway_seat_waiting")?,
            in_line: exposition::sum(page, "spillway_room_waiting")?,
        })
    }
}

impl Console {
    /// Says where to look; the play begins now.
    pub(super) fn open(scene: Scene, shop: SocketAddr, admin: SocketAddr, config: &Path) -> Self {
        let (calm, surge) = scene.rates();
        println!("A shop whose database does best with {} jobs at once.", scene.database.best_concurrency);
        println!("{calm:.0} shoppers arrive each second, {surge:.0} in a surge; all of them want to buy.\n");
        println!("  the shop      http://{shop}/");
        println!("                in a surge your browser waits in line with the others, and is let in");
        println!("  the metrics   http://{admin}/metrics");
        println!("  the policy    {} (change it: it is read again)\n", config.display());
        println!("Ctrl-C ends it.");
        Self {
            scene,
            began: Instant::now(),
            last: Duration::ZERO,
            lines: 0,
            sums: Default::default(),
            all: Tally::default(),
        }
    }

    /// Prints what happened in about the last second.
    pub(super) fn line(&mut self, tally: &Tally, proxy: Option<Said>) {
        let elapsed = self.began.elapsed();
        let time = elapsed.saturating_sub(self.last);
        self.last = elapsed;
        self.all.add(tally);
        let act = self.scene.act_at(elapsed);
        if elapsed > FIRST_JOURNEYS
            && let Some(sum) = self.sums.get_mut(act as usize)
        {
            sum.time += time;
            sum.tally.add(tally);
        }
        if self.lines.is_multiple_of(LINES) {
            println!("\n{}", heading());
        }
        self.lines += 1;
        println!("{}", row(elapsed, act, tally, time, proxy));
    }

    /// Prints the summary.
    pub(super) fn close(&self) {
        println!("\n          goodput  pages/s  orders/s  p99        of the database's best");
        for (act, sum) in Act::ALL.iter().zip(&self.sums).filter(|(_, sum)| !sum.time.is_zero()) {
            let best = sum.time.as_secs_f64() * f64::from(self.scene.database.best_concurrency);
            let goodput = sum.tally.work.as_secs_f64() / best;
            println!(
                "  {:<6} {:>7.0} % {:>8.0} {:>9.1}  {:<9}  {}",
                act.name(),
                goodput * 100.0,
                rate(sum.tally.served(), sum.time),
                rate(sum.tally.finished, sum.time),
                format!("{} ms", sum.tally.latency(0.99).as_millis()),
                bar(goodput),
            );
        }
        println!(
            "\n{} shoppers came, {} of them to the line, {} got in, {} finished their order, {} gave up ({} in line).",
            self.all.arrived,
            self.all.queued,
            self.all.entered,
            self.all.finished,
            self.all.gave_up,
            self.all.left_line
        );
    }
}

const GROUPS: &str = "                |    served a second    |refused a second|   seats   |";

fn heading() -> String {
    let names =
        ["", "", "asked", "check", "cart", "browse", "back", "limit", "full", "lost", "used", "wait", "queue", "p99"];
    format!("{GROUPS}\n{}", columns(&names.map(str::to_owned)))
}

fn row(elapsed: Duration, act: Act, tally: &Tally, time: Duration, proxy: Option<Said>) -> String {
    let a_second = |count| format!("{:.0}", rate(count, time));
    let served = |class| a_second(tally.class(class).served);
    let refused = |reason| tally.refused.get(reason).copied().unwrap_or(0);
    let (limit, full, queued) = (refused("limit"), refused("capacity") + refused("wait"), refused("waiting-room"));
    let unserved = tally.refused.values().sum::<u64>() + tally.left + tally.broken;
    let said = |text: fn(Said) -> String| proxy.map_or_else(|| "?".to_owned(), text);
    columns(&[
        format!("{}s", elapsed.as_secs()),
        if act == Act::Surge { "SURGE".to_owned() } else { String::new() },
        a_second(tally.offered()),
        served(Class::Checkout),
        served(Class::Cart),
        served(Class::Browse),
        served(Class::Background),
        a_second(limit),
        a_second(full),
        a_second(unserved - limit - full - queued),
        said(|proxy| format!("{:.0}/{:.0}", proxy.seats, proxy.limit)),
        said(|proxy| format!("{:.0}", proxy.waiting)),
        said(|proxy| format!("{:.0}", proxy.in_line)),
        tally.latency(0.99).as_millis().to_string(),
    ])
}

/// One line of the table, 80 columns wide.
fn columns(cells: &[String; 14]) -> String {
    let [time, act, asked, served @ .., limit, full, lost, used, wait, queue, p99] = cells;
    let [check, cart, browse, back] = served;
    format!(
        "{time:>4} {act:<5}{asked:>5} |{check:>5}{cart:>5}{browse:>7}{back:>5} \
         |{limit:>5}{full:>5}{lost:>5} |{used:>5}{wait:>5} |{queue:>5}{p99:>5}"
    )
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-3)
}

fn bar(share: f64) -> String {
    "█".repeat((share.clamp(0.0, 1.0) * 25.0).round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_second_fits_80_columns() {
        let proxy = Said { seats: 40.0, limit: 40.0, waiting: 120.0, in_line: 4000.0 };
        let second = Duration::from_secs(1);
        let row = row(second * 999, Act::Surge, &Tally::default(), second, Some(proxy));
        assert_eq!(row, "999s SURGE    0 |    0    0      0    0 |    0    0    0 |40/40  120 | 4000    0");
        for line in heading().lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }

    #[test]
    fn the_proxy_is_read_from_its_metrics() {
        let page = "spillway_capacity_limit{origin=\"storefront\"} 40\n\
                    spillway_capacity_in_use{origin=\"storefront\",class=\"cart\"} 3\n\
                    spillway_capacity_in_use{origin=\"storefront\",class=\"browse\"} 30\n\
                    spillway_seat_waiting{class=\"browse\"} 7\n\
                    spillway_room_waiting{room=\"sale\"} 9\n";
        assert_eq!(Said::read(page), Some(Said { seats: 33.0, limit: 40.0, waiting: 7.0, in_line: 9.0 }));
        assert_eq!(Said::read(""), None);
    }
}

//! What a line of ten million costs: `cargo bench --profile dist --bench line`.
//!
//! Ten million shoppers, of whom two in five have left: the rank of one, all that a poll does, the index renewed when
//! nothing and when everything has changed, one of a hundred parts swept, the next called. Last, the bytes it takes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use spillway::room::draw::Draw;
use spillway::room::line::Line;

/// Places of the line.
const PLACES: u32 = 10_000_000;
/// Shares in which it is swept.
const PARTS: u32 = 100;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args();
    let empty = Line::new().bytes();
    let line = line();
    of_one(&mut criterion, &line);
    of_all(&mut criterion, &line);
    criterion.final_summary();
    let a_place = (line.bytes() - empty) as f64 / f64::from(PLACES);
    println!("memory: {empty} bytes when empty, and {a_place:.2} bytes a place with {PLACES} places");
}

fn line() -> Line {
    let line = Line::new();
    for place in 0..PLACES {
        line.occupy(place, 0);
    }
    for place in (0..PLACES).filter(|_| fastrand::u32(..5) < 2) {
        line.vacate(place);
    }
    line.reindex();
    line
}

fn of_one(criterion: &mut Criterion, line: &Line) {
    let anybody = || fastrand::u32(..PLACES);
    criterion.bench_function("anybody", |bencher| bencher.iter(anybody));
    criterion.bench_function("rank", |bencher| bencher.iter(|| line.rank(anybody())));
    criterion.bench_function("poll", |bencher| {
        bencher.iter(|| {
            let place = anybody();
            line.touch(place, 1);
            (line.is_waiting(place), line.is_finished(place), line.rank(place))
        });
    });
    criterion.bench_function("rank of a newcomer", |bencher| bencher.iter(|| line.rank(black_box(PLACES))));
    criterion.bench_function("next", |bencher| bencher.iter(|| line.next_waiting(anybody())));
    criterion.bench_function("select", |bencher| bencher.iter(|| line.select(fastrand::u32(..PLACES / 2))));
    let draw = Draw { start: 0, size: PLACES, seed: [7; 32] };
    criterion.bench_function("draw", |bencher| bencher.iter(|| draw.place(anybody())));
}

fn of_all(criterion: &mut Criterion, line: &Line) {
    criterion.bench_function("index, nothing changed", |bencher| bencher.iter(|| line.reindex()));
    criterion.bench_function("index, everything changed", |bencher| {
        bencher.iter_batched(|| change_every_page(line), |()| line.reindex(), BatchSize::PerIteration);
    });
    criterion.bench_function("sweep of a hundredth", |bencher| {
        bencher.iter(|| line.sweep(fastrand::u32(..PARTS), PARTS, |_, seen, rank| seen == 9 && rank > 0));
    });
}

/// Somebody leaves and comes back in every page.
fn change_every_page(line: &Line) {
    for place in (0..PLACES).step_by(4096).filter_map(|place| line.next_waiting(place)) {
        line.vacate(place);
        line.occupy(place, 0);
    }
}

use super::*;

/// What every model must do, whatever it is like.
fn each_model(check: impl Fn(Model, Box<dyn Station>)) {
    for model in Model::ALL {
        check(model, model.build(Parameters { best_concurrency: 4, ..Parameters::default() }));
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn job(id: JobId) -> Job {
    Job { id, work: ms(100), class: Class::Browse, hot: false }
}

#[test]
fn whoever_is_taken_comes_out_once_and_nobody_else() {
    each_model(|model, mut station| {
        let mut taken: Vec<JobId> = (0..50).filter(|id| station.start(job(*id), ms(*id)) == Started::Running).collect();
        station.trouble(Trouble::Speed(0.5), ms(60));
        station.trouble(Trouble::BestConcurrency(2), ms(70));
        assert_eq!(station.jobs() + station.finished(ms(70)).count(), taken.len(), "{model:?}");
        let mut out = Vec::new();
        while let Some(at) = station.next() {
            out.extend(station.finished(at));
        }
        out.sort_unstable();
        taken.sort_unstable();
        assert_eq!(out, taken, "{model:?}");
        assert_eq!(station.jobs(), 0);
    });
}

#[test]
fn at_the_best_number_the_best_goodput_is_got() {
    each_model(|model, mut station| {
        let optimum = station.optimum(Offered::MORE_THAN_ENOUGH);
        assert_eq!(optimum, Optimum { concurrency: 4.0, goodput: 4.0 }, "{model:?}");
        assert_eq!(station.optimum(Offered { work: 1.5, hot: 0.0 }).goodput, 1.5);
        let (mut id, mut done) = (0, 0);
        let mut now = Duration::ZERO;
        while now <= ms(10_000) {
            while station.jobs() < 4 {
                id += 1;
                station.start(job(id), now);
            }
            now = station.next().unwrap();
            done += station.finished(now).count();
        }
        let goodput = done as f64 * 0.1 / now.as_secs_f64();
        assert!((goodput - optimum.goodput).abs() < 0.1, "{model:?}: {goodput}");
    });
}

#[test]
fn past_it_the_models_differ() {
    let goodput = |model: Model| {
        let mut station = model.build(Parameters { best_concurrency: 4, ..Parameters::default() });
        let taken = (0..16).filter(|id| station.start(job(*id), Duration::ZERO) == Started::Running).count();
        let mut end = Duration::ZERO;
        while let Some(at) = station.next() {
            assert!(station.finished(at).count() > 0);
            end = at;
        }
        taken as f64 * 0.1 / end.as_secs_f64()
    };
    assert!((goodput(Model::Retrograde) - 1.0).abs() < 0.01);
    assert!((goodput(Model::Pool) - 4.0).abs() < 0.01);
    // It took eight of them, which is twice too many.
    assert!((goodput(Model::Rejecting) - 2.0).abs() < 0.01);
}

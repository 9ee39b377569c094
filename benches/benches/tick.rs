//! The tick against the bare kernel, in cells per second (criterion's element throughput).

use bess_benches::{farms, kernel};
use bess_core::snapshot::ClockView;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn bare(c: &mut Criterion) {
    let chemistry = farms::farm(1).units[0].design.chemistry.clone();
    let mut group = c.benchmark_group("kernel");
    for (name, racks) in [("bare/50MWh", 120), ("bare/1GWh", 2400)] {
        let mut farm = kernel::BareFarm::new(racks, &chemistry.ocv.slice(25.0, 0.0));
        group.throughput(Throughput::Elements(farm.n_cells() as u64));
        group.bench_function(name, |b| {
            let mut sign = 1.0;
            b.iter(|| {
                sign = -sign;
                black_box(farm.step(sign * 80.0))
            });
        });
        let (sum, low, high) = farm.step(80.0);
        assert!(sum > 0.0 && low <= high && low > 2.5 && high < 3.7);
    }
    group.finish();
}

fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulation");
    for (name, units, workers) in
        [("tick/50MWh", 10, 1), ("tick/1GWh", 200, 1), ("tick/1GWh/2workers", 200, 2)]
    {
        let mut engine = farms::engine(units, workers);
        group.throughput(Throughput::Elements(engine.spec().n_cells() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                engine.step();
                black_box(engine.snapshot(ClockView::default(), 0, &[]))
            });
        });
        // A filter may have left this engine unstepped.
        (0..50).for_each(|_| engine.step());
        let seen = engine.snapshot(ClockView::default(), 0, &[]);
        let wanted_w = engine.spec().rated_power().0 * 0.5;
        assert!((seen.farm.active_power.0 / wanted_w - 1.0).abs() < 0.02, "it follows");
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(4));
    targets = bare, tick
}
criterion_main!(benches);

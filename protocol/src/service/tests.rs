//! What the service does with devices that ask more of the loop than a snapshot: cells, and curves that are
//! adopted before the loop has taken them.

use super::*;
use crate::config::MapSet;
use crate::map::{Layout, Profile, part_layout, unit_layout};
use crate::testing;
use bess_core::Tick;
use bess_core::command::{Applied, Mailbox};
use bess_core::device::Part;
use bess_core::snapshot::CellsView;
use bess_core::stats::Stats;
use bess_core::trace::{FieldValue, Sort, Span, SpanKind, Tracer};
use std::sync::Mutex;
use tokio::sync::watch;

/// A loop that takes letters when it is told to.
#[derive(Debug)]
struct Inbox {
    snapshots: watch::Sender<Arc<Snapshot>>,
    letters: Mutex<Vec<Submission>>,
    tracer: Arc<dyn Tracer>,
}

impl Mailbox for Inbox {
    fn note_request(&self, _: UnitId) {}
    fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        Some(&self.tracer)
    }
    fn post(&self, submission: Submission) {
        self.letters.lock().unwrap().push(submission);
    }
}

/// Collects the spans of writes.
#[derive(Debug, Default)]
struct Spans(Mutex<Vec<Span>>);

impl Tracer for Spans {
    fn samples(&self, sort: Sort) -> bool {
        sort == Sort::Write
    }
    fn begin(&self, _: Option<TraceContext>, _: Sort) -> Option<TraceContext> {
        Some(TraceContext { trace_id: 3, span_id: 8, is_sampled: true })
    }
    fn child(&self, parent: TraceContext) -> TraceContext {
        parent
    }
    fn end(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

impl Inbox {
    /// Takes every letter: changes settings, shows cells, publishes, answers.
    fn take_all(&self) {
        for Submission { request, reply, .. } in self.letters.lock().unwrap().drain(..) {
            let mut snapshot = Snapshot::clone(&self.snapshots.borrow());
            match request {
                Letter::Control(Command::ConfigureUnit { unit, change }) => {
                    change.apply(Arc::make_mut(&mut snapshot.functions[unit.idx()]));
                }
                Letter::ShowCells(unit) => {
                    let design = &snapshot.spec.units[unit.idx()].design;
                    snapshot.cells = vec![Arc::new(CellsView {
                        unit_idx: unit.idx(),
                        cells_per_rack: design.cells_in_series,
                        voltage_v: vec![3.25; design.n_cells()],
                        temperature_degc: vec![21.5; design.n_cells()],
                        ..CellsView::default()
                    })];
                }
                other => panic!("{other:?}"),
            }
            snapshot.publication += 1;
            let publication = snapshot.publication;
            self.snapshots.send_replace(Arc::new(snapshot));
            reply.send(Ok(Applied { tick: Tick(1_000), publication }));
        }
    }

    fn refuse_all(&self) {
        for submission in self.letters.lock().unwrap().drain(..) {
            submission.reply.send(Err(Rejection::Local { unit: 1 }));
        }
    }
}

struct Bench {
    service: Service,
    inbox: Arc<Inbox>,
    layout: Arc<Layout>,
    spans: Arc<Spans>,
}

impl Bench {
    /// Unit 1, or its second rack, at unit id 1.
    fn new(layout: Layout, rack_idx: Option<usize>, ack: Ack) -> Self {
        let (sender, snapshots) = watch::channel(Arc::new(testing::snapshot()));
        let spans = Arc::<Spans>::default();
        let tracer = Arc::clone(&spans) as Arc<dyn Tracer>;
        let inbox = Arc::new(Inbox { snapshots: sender, letters: Mutex::default(), tracer });
        let layout = Arc::new(layout);
        let unit = UnitId::from_number(1);
        let mut device = Device::new(unit, Part::Whole, &layout, &Arc::default());
        device.rack_idx = rack_idx;
        let mut gateway = Gateway::empty();
        gateway.put(1, &Arc::new(device));
        let mailbox = Arc::clone(&inbox) as Arc<dyn Mailbox>;
        let service = Service {
            farm: FarmAccess { snapshots, mailbox, stats: Arc::new(Stats::default()) },
            config: Arc::new(ListenerConfig { ack, ..ListenerConfig::default() }),
            gateway: Arc::new(gateway),
            shelves: Arc::default(),
            role: Role::Engineer,
            peer: "127.0.0.1:1".parse().unwrap(),
            place: 0,
            connection: 1,
            frozen: Arc::default(),
        };
        Self { service, inbox, layout, spans }
    }

    fn address(&self, name: &str) -> u16 {
        let mut fields = self.layout.fields_of(Table::Holding);
        fields.find(|field| field.about.name == name).unwrap().address
    }

    /// The PDU that answers this one; the loop takes its letters meanwhile if it is to.
    async fn ask(&self, pdu: &[u8], takes: bool) -> Vec<u8> {
        let mut frame = vec![0, 1, 0, 0, 0, pdu.len() as u8 + 1, 1];
        frame.extend(pdu);
        let mut out = Vec::new();
        match self.service.answer(&self.service.snapshot(), &frame, None, &mut out) {
            Answer::Ready => out,
            Answer::Silent => panic!("silent"),
            Answer::Waiting(answer) => {
                if takes {
                    self.inbox.take_all();
                }
                answer.await
            }
        }
    }

    async fn read(&self, address: u16, count: u16) -> Vec<u16> {
        let pdu = [&[3][..], &address.to_be_bytes(), &count.to_be_bytes()].concat();
        let answer = self.ask(&pdu, true).await;
        assert_eq!(answer[0], 3, "{answer:?}");
        answer[2..].chunks(2).map(|word| u16::from_be_bytes([word[0], word[1]])).collect()
    }

    async fn write(&self, address: u16, word: u16) {
        let pdu = [&[6][..], &address.to_be_bytes(), &word.to_be_bytes()].concat();
        assert_eq!(self.ask(&pdu, false).await, pdu);
    }
}

#[tokio::test]
async fn cells_that_no_snapshot_carries_are_asked_for_and_then_read() {
    let design = Arc::clone(&testing::snapshot().spec.units[0].design);
    let bench = Bench::new(part_layout(Part::Rack, &design), Some(1), Ack::Applied);
    let name = bench.address("1.Mn");
    assert_eq!(bench.read(name, 2).await, [0x6265, 0x7373], "no cells are needed for a name");
    let cell = bench.address("805.lithium-ion-module-cell[7].CellV");
    assert_eq!(bench.read(cell, 2).await, [3_250, 215]);
    // Now they are there: nothing is asked for.
    assert_eq!(bench.read(cell, 2).await, [3_250, 215]);
    assert_eq!(bench.inbox.letters.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_curve_that_was_accepted_is_in_progress_until_the_loop_took_it() {
    let design = Arc::clone(&testing::snapshot().spec.units[0].design);
    let bench = Bench::new(
        unit_layout(&design, Part::Whole, &MapSet::standard(Profile::Standard)),
        None,
        Ack::Accepted,
    );
    let (request, result) = (bench.address("705.AdptCrvReq"), bench.address("705.AdptCrvRslt"));
    let stored = bench.address("705.Crv[2].Pt[1].V");
    bench.write(stored, 9_100).await;
    bench.inbox.letters.lock().unwrap().clear();
    let shown = bench.address("705.Crv[1].Pt[1].V");
    for (taken, outcome, volts) in [(false, 2, 9_200), (true, 1, 9_100)] {
        bench.write(request, 2).await;
        let pdu = [&[3][..], &result.to_be_bytes(), &[0, 1]].concat();
        assert_eq!(bench.ask(&pdu, false).await, [3, 2, 0, 0], "in progress");
        if taken {
            bench.inbox.take_all();
        } else {
            bench.inbox.refuse_all();
        }
        assert_eq!(bench.read(result, 1).await, [outcome]);
        assert_eq!(bench.read(shown, 1).await, [volts]);
    }
}

#[tokio::test]
async fn a_write_leaves_a_span_that_its_letter_carries_on_and_a_read_leaves_none() {
    let design = Arc::clone(&testing::snapshot().spec.units[0].design);
    let standard = MapSet::standard(Profile::Standard);
    let bench = Bench::new(unit_layout(&design, Part::Whole, &standard), None, Ack::Applied);
    let spans = || std::mem::take(&mut *bench.spans.0.lock().unwrap());
    let field = |span: &Span, name: &str| {
        let found = span.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    bench.read(bench.address("705.Crv[1].Pt[1].V"), 1).await;
    assert_eq!(spans(), []);
    let stored = bench.address("705.Crv[2].Pt[1].V");
    let pdu = [&[6][..], &stored.to_be_bytes(), &9_100_u16.to_be_bytes()].concat();
    let mut frame = vec![0x12, 0x67, 0, 0, 0, 6, 1];
    frame.extend(&pdu);
    let mut out = Vec::new();
    let answer = bench.service.answer(&bench.service.snapshot(), &frame, None, &mut out);
    let Answer::Waiting(answer) = answer else { panic!("a write waits for the loop") };
    let letter = bench.inbox.letters.lock().unwrap().pop().expect("a letter");
    assert_eq!(spans(), [], "it is not over yet");
    letter.reply.send(Ok(Applied { tick: Tick(7), publication: 8 }));
    assert_eq!(answer.await, pdu);
    let [span] = &spans()[..] else { panic!("one span") };
    assert_eq!(letter.origin.trace, Some(span.context));
    assert_eq!(
        (span.name.as_str(), span.kind, span.parent),
        ("modbus FC6", SpanKind::Server, None)
    );
    for (name, value) in [
        ("modbus.transaction", 0x1267),
        ("modbus.connection", 1),
        ("modbus.unit_id", 1),
        ("modbus.function", 6),
        ("modbus.address", i64::from(stored)),
        ("modbus.count", 1),
    ] {
        assert_eq!(field(span, name), Some(FieldValue::Count(value)), "{name}");
    }
    assert_eq!((&span.error, field(span, "modbus.exception")), (&None, None));
    // A register that is not there.
    let refused = bench.ask(&[6, 0xff, 0xff, 0, 1], false).await;
    assert_eq!(refused, [0x86, 2]);
    let [span] = &spans()[..] else { panic!("one span") };
    assert_eq!(field(span, "modbus.exception"), Some(FieldValue::Count(2)));
    assert_eq!(span.error.as_deref(), Some("exception 2"));
}

//! Conditions of the link: what is done to requests, answers and connections for a test.
//!
//! The conditions in force are part of the snapshot. Where there are none a request costs one look at an
//! empty list; everything else is here.

use crate::map::Sight;
use bess_core::UnitId;
use bess_core::device::Part;
use bess_core::link::{ActiveLink, LinkEffect, LinkSight, SECONDS_MAX};
use bess_core::snapshot::{Snapshot, UnitView};
use bess_core::stats::ModbusStats;
use bess_core::time::TICKS_PER_S;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happens to one request and its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    /// What happens in place of the request.
    pub(crate) instead: Option<Instead>,
    /// What its reader sees.
    pub(crate) lens: Lens,
    /// What is done to the answer, in this order.
    wounds: Vec<Wound>,
    /// Whether the answer to the next request goes first.
    pub(crate) is_last: bool,
}

/// What happens in place of a request; nothing is done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    /// Nothing.
    Silence,
    /// An exception.
    Exception(u8),
    /// The connection is reset.
    Reset,
}

/// What is done to an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wound {
    Delay(Duration),
    Empty,
    Junk(u64),
    Half,
    WrongTransaction,
    WrongUnit,
    Duplicate,
    Split(Duration),
    /// Bytes a second.
    Line(f64),
}

/// What a reader sees in place of what is so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lens {
    /// Everything as in this snapshot.
    registers: Option<Arc<Snapshot>>,
    /// Heartbeats as in this snapshot.
    heartbeat: Option<Arc<Snapshot>>,
    /// The time of the sample earlier by this.
    stale_s: f64,
    /// Words of values in the opposite order.
    pub(crate) swap_words: bool,
    /// All words of a value but the first as in this snapshot.
    pub(crate) torn: Option<Arc<Snapshot>>,
}

/// Snapshots of when conditions began that freeze something.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    pictures: Mutex<Vec<(Arc<ActiveLink>, Arc<Snapshot>)>>,
    /// The last two publications, kept while something tears values.
    last: Mutex<[Option<Arc<Snapshot>>; 2]>,
}

impl Frozen {
    /// The picture of when `link` began: `now`, if there is none yet.
    fn picture(&self, link: &Arc<ActiveLink>, now: &Arc<Snapshot>) -> Arc<Snapshot> {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pictures.iter().find(|(known, _)| Arc::ptr_eq(known, link));
        if let Some((_, picture)) = known {
            return Arc::clone(picture);
        }
        pictures.push((Arc::clone(link), Arc::clone(now)));
        Arc::clone(now)
    }

    /// The publication before that of `now`, as far as it is known.
    fn before(&self, now: &Arc<Snapshot>) -> Arc<Snapshot> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let older = |picture: &&Arc<Snapshot>| picture.publication < now.publication;
        last.iter().flatten().rev().find(older).map_or_else(|| Arc::clone(now), Arc::clone)
    }

    /// Keeps what the next torn value needs, or lets it go.
    fn keep_last(&self, now: &Arc<Snapshot>) {
        let tears = now.link.iter().any(|link| link.condition.effect == LinkEffect::Tear);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let [_, newest] = std::mem::take(&mut *last);
        if tears {
            *last = [newest, Some(Arc::clone(now))];
        }
    }

    /// Takes pictures for conditions that have just begun, and lets those go that are over.
    pub(crate) fn follow(&self, now: &Arc<Snapshot>) {
        self.keep_last(now);
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if now.link.is_empty() && pictures.is_empty() {
            return;
        }
        pictures.retain(|(link, _)| now.link.iter().any(|active| Arc::ptr_eq(active, link)));
        drop(pictures);
        for link in now.link.iter().filter(|link| freezes(link)) {
            self.picture(link, now);
        }
    }
}

fn freezes(link: &ActiveLink) -> bool {
    matches!(link.condition.effect, LinkEffect::FreezeRegisters | LinkEffect::FreezeHeartbeat)
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whence<'w> {
    pub(crate) listener: &'w str,
    pub(crate) peer: Option<IpAddr>,
    /// Place of the connection among those of its listener, from 0: the lowest that was free.
    pub(crate) place: u32,
}

/// What the conditions of `snapshot` do to a request; `None` for nothing.
pub(crate) fn fate(
    snapshot: &Arc<Snapshot>,
    whence: Whence<'_>,
    (unit, part): (Option<UnitId>, Option<Part>),
    pdu: &[u8],
    frozen: &Frozen,
    stats: &ModbusStats,
) -> Option<Box<Fate>> {
    let registers = crate::pdu::ranges(pdu);
    let sight = LinkSight {
        listener: whence.listener,
        unit,
        part,
        function: pdu.first().copied(),
        registers: &registers,
        peer: whence.peer,
    };
    let mut fate: Option<Box<Fate>> = None;
    for link in snapshot.link.iter() {
        let condition = &link.condition;
        if condition.effect.is_at_the_door() || !condition.scope.covers(&sight) {
            continue;
        }
        if let LinkEffect::LimitClients { max_clients } = condition.effect
            && whence.place < max_clients
        {
            continue;
        }
        let Some(n) = link.take() else { continue };
        stats.count_link(&condition.effect);
        let fate = fate.get_or_insert_default();
        match condition.effect {
            LinkEffect::Delay { delay_s, jitter_s } => {
                let seconds = delay_s + jitter_s * condition.jitter(n);
                fate.wounds.push(Wound::Delay(Duration::from_secs_f64(seconds)));
            }
            LinkEffect::Drop | LinkEffect::BurstLoss { .. } | LinkEffect::LimitClients { .. } => {
                fate.instead = fate.instead.or(Some(Instead::Silence));
            }
            LinkEffect::Exception(code) => {
                fate.instead = fate.instead.or(Some(Instead::Exception(code)));
            }
            LinkEffect::Reset => fate.instead = fate.instead.or(Some(Instead::Reset)),
            LinkEffect::Empty => fate.wounds.push(Wound::Empty),
            LinkEffect::Junk => fate.wounds.push(Wound::Junk(condition.seed ^ n)),
            LinkEffect::Split { gap_s } => {
                fate.wounds.push(Wound::Split(Duration::from_secs_f64(gap_s)));
            }
            LinkEffect::HalfFrame => fate.wounds.push(Wound::Half),
            LinkEffect::WrongTransaction => fate.wounds.push(Wound::WrongTransaction),
            LinkEffect::WrongUnit => fate.wounds.push(Wound::WrongUnit),
            LinkEffect::Duplicate => fate.wounds.push(Wound::Duplicate),
            LinkEffect::FreezeRegisters => {
                fate.lens.registers = Some(frozen.picture(link, snapshot));
            }
            LinkEffect::FreezeHeartbeat => {
                fate.lens.heartbeat = Some(frozen.picture(link, snapshot));
            }
            LinkEffect::StaleTime { by_s } => fate.lens.stale_s += by_s,
            LinkEffect::SwapWords => fate.lens.swap_words = true,
            LinkEffect::Reorder => fate.is_last = true,
            LinkEffect::Bandwidth { bytes_per_s } => fate.wounds.push(Wound::Line(bytes_per_s)),
            LinkEffect::Tear => fate.lens.torn = Some(frozen.before(snapshot)),
            LinkEffect::Refuse | LinkEffect::LimitConnections { .. } => {}
        }
    }
    if let Some(fate) = &mut fate {
        // The line carries what is there in the end, and a segment is cut when everything else is done.
        fate.wounds.sort_by_key(|wound| match wound {
            Wound::Split(_) => 2,
            Wound::Line(_) => 1,
            _ => 0,
        });
    }
    fate
}

/// Whether a connection is refused. `unit` is the one that the listener serves, where it serves one; `open` are
/// the connections that it has already.
pub(crate) fn refuses(
    snapshot: &Snapshot,
    whence: Whence<'_>,
    unit: Option<UnitId>,
    open: usize,
    stats: &ModbusStats,
) -> bool {
    let sight = LinkSight {
        listener: whence.listener,
        unit,
        part: None,
        function: None,
        registers: &[],
        peer: whence.peer,
    };
    let refuse = |link: &Arc<ActiveLink>| {
        let condition = &link.condition;
        let is_full = match condition.effect {
            LinkEffect::Refuse => true,
            LinkEffect::LimitConnections { max_clients } => open >= max_clients as usize,
            _ => false,
        };
        is_full && condition.scope.covers(&sight) && link.take().is_some()
    };
    let refusing = snapshot.link.iter().find(|link| refuse(link));
    if let Some(link) = refusing {
        stats.count_link(&link.condition.effect);
    }
    refusing.is_some()
}

impl Lens {
    /// Whether registers stand still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.registers.is_some()
    }

    /// The snapshot that registers are read from.
    pub(crate) fn snapshot<'s>(&'s self, now: &'s Arc<Snapshot>) -> &'s Arc<Snapshot> {
        self.registers.as_ref().unwrap_or(now)
    }

    /// `sight` through the lens; `room` holds a unit that differs from the snapshot's.
    pub(crate) fn look<'s>(
        &self,
        mut sight: Sight<'s>,
        room: &'s mut Option<UnitView>,
    ) -> Sight<'s> {
        if let Some(then) = &self.heartbeat {
            sight.beat = then.tick;
            let seen = sight.unit.and_then(|unit| then.units.get(unit.idx()));
            if let (Some(seen), Some(view)) = (seen, sight.view()) {
                let view = UnitView { heartbeat: seen.heartbeat, ..*view };
                sight = sight.with_view(room.insert(view));
            }
        }
        if self.stale_s > 0.0 {
            let ticks = (self.stale_s * TICKS_PER_S as f64).round() as u64;
            sight.publication = sight.publication.saturating_sub(ticks);
            let by_ns = (self.stale_s * 1e9) as i64;
            sight.time.unix_ns = sight.time.unix_ns.saturating_sub(by_ns);
        }
        sight
    }
}

/// Bytes of an answer that is junk.
const JUNK: usize = 24;
/// A number that scatters seeds over bytes (the golden ratio in 64 bits).
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A step of the delivery of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing is sent for this long.
    Rest(Duration),
    /// These bytes are sent.
    Send(Vec<u8>),
}

impl Fate {
    /// Whether anything is done to the answer.
    pub(crate) fn wounds(&self) -> bool {
        !self.wounds.is_empty()
    }

    /// How the answer in `frame` is delivered.
    pub(crate) fn steps(&self, mut frame: Vec<u8>) -> Vec<Step> {
        let mut steps = Vec::new();
        for wound in &self.wounds {
            match *wound {
                Wound::Delay(delay) => steps.push(Step::Rest(delay)),
                Wound::Empty if frame.len() >= 7 => {
                    frame.truncate(7);
                    frame[4..6].copy_from_slice(&1u16.to_be_bytes());
                }
                Wound::Empty => {}
                Wound::Junk(seed) => {
                    let byte =
                        |at: u64| (seed.wrapping_add(at + 1).wrapping_mul(SCATTER) >> 56) as u8;
                    frame = (0..JUNK as u64).map(byte).collect();
                }
                Wound::Half => frame.truncate(frame.len().div_ceil(2)),
                // Junk and halves may be shorter than a header.
                Wound::WrongTransaction => frame.iter_mut().take(1).for_each(|byte| *byte ^= 0x55),
                Wound::WrongUnit => {
                    frame.iter_mut().skip(6).take(1).for_each(|byte| *byte = byte.wrapping_add(1));
                }
                Wound::Duplicate => frame.extend_from_within(..),
                Wound::Line(bytes_per_s) => {
                    let seconds = (frame.len() as f64 / bytes_per_s).min(SECONDS_MAX);
                    steps.push(Step::Rest(Duration::from_secs_f64(seconds)));
                }
                Wound::Split(gap) => {
                    let rest = frame.split_off(frame.len() / 2);
                    steps.extend([Step::Send(frame), Step::Rest(gap)]);
                    frame = rest;
                }
            }
        }
        steps.push(Step::Send(frame));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wound() -> impl Strategy<Value = Wound> {
        prop_oneof![
            Just(Wound::Delay(Duration::ZERO)),
            Just(Wound::Empty),
            any::<u64>().prop_map(Wound::Junk),
            Just(Wound::Half),
            Just(Wound::WrongTransaction),
            Just(Wound::WrongUnit),
            Just(Wound::Duplicate),
            Just(Wound::Split(Duration::ZERO)),
            (1.0..1e9).prop_map(Wound::Line),
        ]
    }

    proptest! {
        #[test]
        fn any_wounds_in_any_order_are_delivered_without_a_panic(
            wounds in proptest::collection::vec(wound(), 0..6),
            pdu in proptest::collection::vec(any::<u8>(), 1..253),
        ) {
            let fate = Fate { wounds, ..Fate::default() };
            let mut frame = vec![0, 1, 0, 0, 0, pdu.len() as u8, 1];
            frame.extend(pdu);
            prop_assert!(fate.steps(frame).iter().any(|step| matches!(step, Step::Send(_))));
        }
    }
}

//! What faults have laid on the same quantity: the newest acts while it lasts, and when it ends the one
//! below acts again. Distortions of one measured value, those of the meter, and steps of load work
//! together. This is the one place that knows: a kind says what it does and what ends it as if it were
//! alone, whoever injected it.

use super::fault::Orders;
use crate::faults::{Act, ClientAct, HostAct};
use bess_core::command::{Command, UnitAction};
use bess_core::defect::{DELAY_MAX_TICKS, Defect, Distortion};
use bess_core::id::UnitId;
use bess_core::spec::{Disturbance, DisturbanceKind, FarmSpec, LastingKind, PoiMeter};
use bess_core::time::Tick;
use bess_core::units::Watts;
use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

/// What is ordered, in the order in which it is done.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// It is done, and nobody takes it back.
    Once(Act),
    /// A fault acts at one of its targets, for the first time or anew.
    Lay {
        /// The fault at this target: what nothing else is called.
        owner: Arc<str>,
        /// What it does.
        acts: Vec<Act>,
        /// The instant.
        at: Tick,
    },
    /// A fault ends at one of its targets.
    Lift {
        /// As it was laid.
        owner: Arc<str>,
        /// The unit of the target.
        unit: Option<UnitId>,
        /// What would end it if it were alone.
        acts: Vec<Act>,
        /// The instant.
        at: Tick,
    },
}

/// What a command or an act is about, so that another one about the same would replace it.
#[derive(Clone, Debug, PartialEq)]
enum Quantity {
    /// As what ends it.
    Defect(UnitId, Defect),
    Frequency,
    Voltage,
    Outage,
    Load,
    Ambient,
    Meter,
    Breaker,
    TransformerRelay,
    Local(UnitId),
    EmergencyStop(UnitId),
    Stop(UnitId),
    /// Of a unit, or of the farm.
    Setpoint(Option<UnitId>),
    /// What the active setpoint of a unit goes back to, and when.
    Reversion(UnitId),
    Point(Option<UnitId>, String),
    Client(Arc<str>, Discriminant<ClientAct>),
}

impl Quantity {
    /// What `act` is about; `None` of what is done once, or is nobody else's.
    fn of(act: &Act) -> Option<Self> {
        let command = match act {
            Act::Host(HostAct::Client { client, act }) => {
                return Some(Self::Client(Arc::clone(client), discriminant(act)));
            }
            Act::Host(_) => return None,
            Act::Command(command) => &**command,
        };
        Some(match command {
            // These move something once, and their end does nothing.
            Command::SetDefect {
                defect: Defect::SocJump { .. } | Defect::RackSoc { .. }, ..
            } => {
                return None;
            }
            Command::SetDefect { unit, defect } => Self::Defect(*unit, defect.ended()),
            Command::SetGrid { frequency_hz: Some(_), voltage_pu: None } => Self::Frequency,
            Command::SetGrid { frequency_hz: None, voltage_pu: Some(_) } => Self::Voltage,
            Command::Disturb(disturbance) => match disturbance.kind {
                DisturbanceKind::Voltage(_) => Self::Voltage,
                DisturbanceKind::Frequency(_) => Self::Frequency,
                DisturbanceKind::Outage => Self::Outage,
                DisturbanceKind::LoadStep(_) => Self::Load,
                DisturbanceKind::PhaseJump(_) => return None,
            },
            Command::EndDisturbances { kind: Some(kind) } => match kind {
                LastingKind::Voltage => Self::Voltage,
                LastingKind::Frequency => Self::Frequency,
                LastingKind::Outage => Self::Outage,
                LastingKind::LoadStep => Self::Load,
            },
            Command::SetAmbient(_) => Self::Ambient,
            Command::PoiMeter(_) => Self::Meter,
            Command::PoiBreaker { .. } => Self::Breaker,
            Command::TransformerLimit(_) => Self::TransformerRelay,
            Command::OperateUnit { unit, action } => match action {
                UnitAction::Local | UnitAction::Remote => Self::Local(*unit),
                UnitAction::EmergencyStop | UnitAction::ReleaseEmergencyStop => {
                    Self::EmergencyStop(*unit)
                }
                UnitAction::Stop | UnitAction::Start => Self::Stop(*unit),
                _ => return None,
            },
            Command::ControlUnit { unit, change } if !change.sets_power() => Self::Reversion(*unit),
            Command::ControlUnit { unit, .. } => Self::Setpoint(Some(*unit)),
            Command::SetFarmPower { .. } => Self::Setpoint(None),
            Command::ForcePoint(forced) => Self::Point(forced.unit, forced.point.clone()),
            Command::ReleasePoint { unit, point: Some(point) } => Self::Point(*unit, point.clone()),
            _ => return None,
        })
    }
    /// The unit that it is of.
    fn unit(&self) -> Option<UnitId> {
        match self {
            Self::Defect(unit, _)
            | Self::Reversion(unit)
            | Self::Local(unit)
            | Self::EmergencyStop(unit)
            | Self::Stop(unit) => Some(*unit),
            Self::Setpoint(unit) | Self::Point(unit, _) => *unit,
            _ => None,
        }
    }
    /// Whether what is laid on it works together, and not the newest alone.
    fn adds_up(&self) -> bool {
        matches!(self, Self::Meter | Self::Defect(_, Defect::Sensor { .. }))
    }
    /// Whether it is a sensor of a rack, or the sensors of every rack: then its twin for every rack.
    fn of_every_rack(&self) -> Option<Self> {
        match *self {
            Self::Defect(unit, Defect::Sensor { quantity, rack_idx: Some(_), distortion }) => {
                let defect = Defect::Sensor { quantity, rack_idx: None, distortion };
                Some(Self::Defect(unit, defect))
            }
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Layer {
    owner: Arc<str>,
    act: Act,
    /// Since when, for what has a length of its own.
    since: Tick,
}

/// What lies on one quantity, the oldest first.
#[derive(Clone, Debug)]
struct Pile {
    quantity: Quantity,
    layers: Vec<Layer>,
    /// What puts back how it was before the oldest, where that ended before the others.
    floor: Option<Act>,
}

/// Everything that faults have laid on something.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// By unit, so that a search is short in a large farm.
    piles: BTreeMap<Option<UnitId>, Vec<Pile>>,
    /// The ambient temperature that was set last.
    ambient: Option<Act>,
    /// Rating of the farm in W: no meter is off by more.
    rated_w: f64,
}

/// Largest gain of a meter.
const METER_GAIN_MAX: f64 = 10.0;

impl Layers {
    /// The farm that it is about.
    pub(super) fn note(&mut self, spec: &FarmSpec) {
        self.rated_w = spec.rated_power().0;
    }

    /// What the farm and the host are told of `orders`.
    pub(super) fn settle(&mut self, orders: Orders) -> (Vec<Command>, Vec<HostAct>) {
        let mut told = Vec::new();
        for order in orders.into_orders() {
            match order {
                Order::Once(act) => self.set(act, &mut told),
                Order::Lay { owner, acts, at } => {
                    acts.into_iter().for_each(|act| self.lay(&owner, act, at, &mut told));
                }
                Order::Lift { owner, unit, acts, at } => {
                    for act in acts {
                        self.lift(&owner, act, at, &mut told);
                    }
                    self.lift_the_rest(&owner, unit, at, &mut told);
                }
            }
        }
        let (mut commands, mut host) = (Vec::new(), Vec::new());
        for act in told {
            match act {
                Act::Command(command) => commands.push(*command),
                Act::Host(act) => host.push(act),
            }
        }
        (commands, host)
    }

    /// What a scenario sets: an ambient temperature lies below every fault of it.
    fn set(&mut self, act: Act, told: &mut Vec<Act>) {
        if matches!(&act, Act::Command(command) if matches!(**command, Command::SetAmbient(_))) {
            self.ambient = Some(act.clone());
            if self.pile(&Quantity::Ambient).is_some() {
                return;
            }
        }
        told.push(act);
    }

    fn pile(&self, quantity: &Quantity) -> Option<&Pile> {
        let piles = self.piles.get(&quantity.unit())?;
        piles.iter().find(|pile| pile.quantity == *quantity)
    }

    fn lay(&mut self, owner: &Arc<str>, act: Act, at: Tick, told: &mut Vec<Act>) {
        let Some(quantity) = Quantity::of(&act) else {
            told.push(act);
            return;
        };
        let piles = self.piles.entry(quantity.unit()).or_default();
        let place = piles.iter().position(|pile| pile.quantity == quantity);
        let place = place.unwrap_or_else(|| {
            piles.push(Pile { quantity: quantity.clone(), layers: Vec::new(), floor: None });
            piles.len() - 1
        });
        let layers = &mut piles[place].layers;
        match layers.iter_mut().find(|layer| layer.owner == *owner) {
            Some(layer) => layer.act = act.clone(),
            None => layers.push(Layer { owner: Arc::clone(owner), act: act.clone(), since: at }),
        }
        let is_on_top = layers.last().is_some_and(|layer| layer.owner == *owner);
        if quantity.adds_up() {
            self.tell(&quantity, at, told);
        } else if is_on_top {
            // Steps of load are added up by the grid.
            told.push(act);
        }
    }

    /// Takes the layer of `owner` away that `act` would end.
    fn lift(&mut self, owner: &Arc<str>, act: Act, at: Tick, told: &mut Vec<Act>) {
        match Quantity::of(&act) {
            Some(quantity) => self.take(owner, &quantity, Some(act), at, told),
            None => told.push(act),
        }
    }

    /// Takes away what `owner` laid and no act of its end is about.
    fn lift_the_rest(
        &mut self,
        owner: &Arc<str>,
        unit: Option<UnitId>,
        at: Tick,
        told: &mut Vec<Act>,
    ) {
        let of_unit = self.piles.get(&unit).into_iter().flatten();
        let is_its = |pile: &&Pile| pile.layers.iter().any(|layer| layer.owner == *owner);
        let left: Vec<Quantity> =
            of_unit.filter(is_its).map(|pile| pile.quantity.clone()).collect();
        for quantity in left {
            let end = match quantity {
                Quantity::Defect(unit, defect) => Some(Command::SetDefect { unit, defect }.into()),
                _ => None,
            };
            self.take(owner, &quantity, end, at, told);
        }
    }

    fn take(
        &mut self,
        owner: &Arc<str>,
        quantity: &Quantity,
        end: Option<Act>,
        at: Tick,
        told: &mut Vec<Act>,
    ) {
        // Where it laid nothing, because the farm refused it, there is nothing to put back.
        let Some(piles) = self.piles.get_mut(&quantity.unit()) else { return };
        let its = |pile: &Pile| pile.layers.iter().position(|layer| layer.owner == *owner);
        let place = piles.iter().position(|pile| pile.quantity == *quantity);
        let Some((place, layer)) = place.and_then(|place| Some((place, its(&piles[place])?)))
        else {
            return;
        };
        let pile = &mut piles[place];
        let gone = pile.layers.remove(layer);
        if layer == 0 && pile.floor.is_none() {
            pile.floor.clone_from(&end);
        }
        if let Some(top) = pile.layers.last() {
            let was_on_top = layer == pile.layers.len();
            if *quantity == Quantity::Load {
                // The grid knows their sum alone.
                told.extend(end);
                told.extend(self.acting(quantity, at));
            } else if quantity.adds_up() {
                self.tell(quantity, at, told);
            } else if was_on_top {
                // A dip lies on what is held, and does not replace it.
                if holds(&gone.act) && !holds(&top.act) {
                    let held = pile.layers.iter().rev().find(|layer| holds(&layer.act));
                    told.extend(held.map(|layer| layer.act.clone()).or(end));
                }
                told.extend(self.acting(quantity, at));
            }
            return;
        }
        let floor = pile.floor.take();
        piles.swap_remove(place);
        if piles.is_empty() {
            self.piles.remove(&quantity.unit());
        }
        let set = self.ambient.clone().filter(|_| *quantity == Quantity::Ambient);
        told.extend(set.or(floor).or(end));
        self.tell_racks(quantity, at, told);
    }

    /// Tells what acts on a quantity now.
    fn tell(&self, quantity: &Quantity, at: Tick, told: &mut Vec<Act>) {
        told.extend(self.acting(quantity, at));
        self.tell_racks(quantity, at, told);
    }

    /// What distorts the sensors of every rack distorts those of racks with a distortion of their own too.
    fn tell_racks(&self, quantity: &Quantity, at: Tick, told: &mut Vec<Act>) {
        let piles = self.piles.get(&quantity.unit()).into_iter().flatten();
        let of_racks =
            piles.filter(|pile| pile.quantity.of_every_rack().as_ref() == Some(quantity));
        told.extend(of_racks.filter_map(|pile| self.acting(&pile.quantity, at)));
    }

    fn acting(&self, quantity: &Quantity, at: Tick) -> Option<Act> {
        let layers = &self.pile(quantity)?.layers;
        let top = layers.last()?;
        let Act::Command(command) = &top.act else { return Some(top.act.clone()) };
        Some(match **command {
            // As it is: the one above was no other.
            Command::OperateUnit { .. }
            | Command::PoiBreaker { .. }
            | Command::Disturb(Disturbance { kind: DisturbanceKind::Outage, .. }) => return None,
            Command::SetDefect { unit, defect: Defect::Sensor { quantity: of, rack_idx, .. } } => {
                let below = quantity.of_every_rack().and_then(|every| self.pile(&every));
                let below = below.map(|pile| pile.layers.as_slice()).unwrap_or_default();
                let all = below.iter().chain(layers).filter_map(Layer::distortion);
                let distortion = all.fold(Distortion::NONE, on_top);
                let defect = Defect::Sensor { quantity: of, rack_idx, distortion };
                Command::SetDefect { unit, defect }.into()
            }
            Command::PoiMeter(_) => {
                let meters = layers.iter().filter_map(|layer| match &layer.act {
                    Act::Command(command) => match **command {
                        Command::PoiMeter(meter) => Some(meter),
                        _ => None,
                    },
                    Act::Host(_) => None,
                });
                let most_w = self.rated_w;
                let meter = meters.fold(PoiMeter::default(), |below, above| PoiMeter {
                    gain: (above.gain * below.gain).clamp(-METER_GAIN_MAX, METER_GAIN_MAX),
                    offset_w: (above.gain * below.offset_w + above.offset_w).clamp(-most_w, most_w),
                    is_frozen: above.is_frozen || below.is_frozen,
                });
                Command::PoiMeter(meter).into()
            }
            Command::Disturb(Disturbance { kind: DisturbanceKind::LoadStep(_), duration_s }) => {
                let load_w = layers.iter().filter_map(Layer::load_w).sum();
                let kind = DisturbanceKind::LoadStep(Watts(load_w));
                Command::Disturb(Disturbance { kind, duration_s }).into()
            }
            // What has a length of its own goes on for the rest of it.
            Command::Disturb(Disturbance { kind, duration_s }) if duration_s.is_finite() => {
                let left_s = duration_s - (at.elapsed_s() - top.since.elapsed_s());
                if left_s < 1e-3 {
                    return None;
                }
                Command::Disturb(Disturbance { kind, duration_s: left_s }).into()
            }
            _ => top.act.clone(),
        })
    }
}

impl Layer {
    fn distortion(&self) -> Option<Distortion> {
        let Act::Command(command) = &self.act else { return None };
        match **command {
            Command::SetDefect { defect: Defect::Sensor { distortion, .. }, .. } => {
                Some(distortion)
            }
            _ => None,
        }
    }
    fn load_w(&self) -> Option<f64> {
        let Act::Command(command) = &self.act else { return None };
        match **command {
            Command::Disturb(Disturbance { kind: DisturbanceKind::LoadStep(load), .. }) => {
                Some(load.0)
            }
            _ => None,
        }
    }
}

/// Whether an act holds something of the grid until it is released.
fn holds(act: &Act) -> bool {
    matches!(act, Act::Command(command) if matches!(**command, Command::SetGrid { .. }))
}

/// A sensor that is wrong as `below` and then as `above`: what the one makes of the value, the other takes
/// for it. Kept within what a sensor can be.
fn on_top(below: Distortion, above: Distortion) -> Distortion {
    const GAIN_MAX: f64 = 100.0;
    const SIZE_MAX: f64 = 1e9;
    let size = |value: f64| value.clamp(-SIZE_MAX, SIZE_MAX);
    // Of one alone it is that one, to the last bit.
    let below_sd = above.gain.abs() * below.noise_sd;
    let noise_sd = if below_sd == 0.0 {
        above.noise_sd
    } else {
        bess_core::math::sqrt(below_sd * below_sd + above.noise_sd * above.noise_sd)
    };
    Distortion {
        delay_ticks: below.delay_ticks.saturating_add(above.delay_ticks).min(DELAY_MAX_TICKS),
        gain: (above.gain * below.gain).clamp(-GAIN_MAX, GAIN_MAX),
        offset: size(above.gain * below.offset + above.offset),
        noise_sd: size(noise_sd),
        // Spikes of both, as large as those of the newest that has any.
        spike_p: below.spike_p + above.spike_p - below.spike_p * above.spike_p,
        spike: size(if above.spike_p > 0.0 { above.spike } else { above.gain * below.spike }),
        stuck: below.stuck || above.stuck,
        dropout: below.dropout || above.dropout,
    }
}

#[cfg(test)]
mod tests;

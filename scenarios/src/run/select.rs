//! Who the targets of a scenario are.

use super::chance::{Chance, choose};
use crate::expr::Kind;
use crate::faults::Target;
use crate::format::{Condition, Mode, Selector, TargetKind};
use crate::sight::{Level, Member, Sight, Targets};
use bess_core::defect::Reading;
use bess_core::id::UnitId;
use bess_core::spec::FarmSpec;

/// The members of every target of a scenario, in its order.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    /// By place of the target; `None` where it is not resolved yet.
    members: Vec<Option<Vec<Target>>>,
    /// How often each was resolved.
    turns: Vec<u32>,
    /// The same for expressions.
    targets: Targets,
}

impl Cast {
    /// Nobody yet, for `n` targets and `extra` places behind them.
    pub(super) fn new(n: usize, extra: usize) -> Self {
        Self { members: vec![None; n], turns: vec![0; n], targets: Targets::new(n + extra) }
    }
    /// For expressions.
    pub(super) fn targets(&self) -> &Targets {
        &self.targets
    }
    /// Members of the target at `place`; none where it is not resolved yet.
    pub(super) fn members(&self, place: usize) -> &[Target] {
        self.members[place].as_deref().unwrap_or_default()
    }
    /// Says who is at a place behind the targets.
    pub(super) fn set_extra(&mut self, place: usize, spec: &FarmSpec, members: &[Target]) {
        self.targets.set(place, spec, &members_of(members));
    }

    /// Resolves the target at `place`, and before it those that it names. One that is sticky stays as it
    /// was resolved first.
    pub(super) fn resolve(
        &mut self,
        place: usize,
        selectors: &[Selector],
        chance: Chance,
        sight: &Sight<'_>,
    ) {
        let selector = &selectors[place];
        if selector.sticky && self.members[place].is_some() {
            return;
        }
        let needed = [selector.of, selector.near].into_iter().flatten();
        for other in needed.chain(selector.not.iter().copied()) {
            // No target is chosen by itself, so this ends, in whatever order they stand.
            if self.members[other].is_none() {
                self.resolve(other, selectors, chance, sight);
            }
        }
        let spec = &sight.snapshot.spec;
        let mut members = candidates(selector, spec);
        if let Some(of) = selector.of {
            let whole = self.members(of);
            members.retain(|member| whole.iter().any(|whole| contains(whole, member)));
        }
        if let Some(near) = selector.near {
            let centres = self.members(near);
            members.retain(|member| is_near(member, centres, selector.radius));
        }
        for not in &selector.not {
            let others = self.members(*not);
            members.retain(|member| {
                !others.iter().any(|other| contains(other, member) || contains(member, other))
            });
        }
        if let Some(condition) = &selector.matching.condition {
            let fit = Fit::new(condition, sight);
            members.retain(|member| fit.is_met(member, spec));
        }
        self.turns[place] += 1;
        let turn = match self.turns[place] {
            1 => String::new(),
            turn => turn.to_string(),
        };
        let mut stream = chance.stream("targets", &selector.name, &turn);
        let n = members.len();
        let n = match selector.mode {
            Mode::All => n,
            Mode::One => 1,
            Mode::Fixed(wanted) => wanted,
            Mode::Percent(part) => share(part, n),
            Mode::RandomMaxPercent(part) => {
                let most = share(part, n);
                ((stream.uniform() * (most as f64 + 1.0)) as usize).min(most)
            }
        };
        if n < members.len() {
            let chosen = choose(n, members.len(), &mut stream);
            members = chosen.into_iter().map(|place| members[place].clone()).collect();
        }
        self.targets.set(place, spec, &members_of(&members));
        self.members[place] = Some(members);
    }
}

/// The part of `n`, rounded up; what arithmetic leaves above a whole number does not count.
fn share(part: f64, n: usize) -> usize {
    ((part * n as f64 - 1e-9).ceil().max(0.0) as usize).min(n)
}

fn members_of(targets: &[Target]) -> Vec<Member> {
    let short = |idx: usize| u16::try_from(idx).unwrap_or(u16::MAX);
    let member = |target: &Target| match *target {
        Target::Unit(unit) => Some(Member::unit(unit)),
        Target::Rack { unit, rack_idx } => Some(Member::rack(unit, short(rack_idx))),
        Target::Cell { unit, rack_idx, cell_idx } => {
            Some(Member::cell(unit, short(rack_idx), short(cell_idx)))
        }
        Target::Sensor { unit, rack_idx, .. } => {
            Some(rack_idx.map_or(Member::unit(unit), |idx| Member::rack(unit, short(idx))))
        }
        Target::Farm | Target::Grid | Target::Listener(_) | Target::Client(_) => None,
    };
    targets.iter().filter_map(member).collect()
}

/// Places of the selectors, each behind those that it names.
pub(super) fn in_order(selectors: &[Selector]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(selectors.len());
    // Each round places one at least: no target is chosen by itself.
    for _ in 0..selectors.len() {
        for (place, selector) in selectors.iter().enumerate() {
            let mut named = selector.of.iter().chain(&selector.near).chain(&selector.not);
            if !order.contains(&place) && named.all(|other| order.contains(other)) {
                order.push(place);
            }
        }
    }
    order
}

/// Every target that the selector could mean, in order.
fn candidates(selector: &Selector, spec: &FarmSpec) -> Vec<Target> {
    let matching = &selector.matching;
    let units: Vec<UnitId> = match &matching.units {
        Some(units) => units.clone(),
        None => spec.units.iter().map(|unit| unit.id).collect(),
    };
    let design = |unit: UnitId| &spec.units[unit.idx()].design;
    let racks = |unit: UnitId| {
        let fits = move |idx: &usize| matching.rack_idx.is_none_or(|rack_idx| rack_idx == *idx);
        (0..design(unit).n_racks).filter(fits)
    };
    match selector.kind {
        TargetKind::Farm => vec![Target::Farm],
        TargetKind::Grid => vec![Target::Grid],
        TargetKind::Listener => vec![Target::Listener(matching.name.clone())],
        TargetKind::Client => {
            vec![Target::Client(matching.name.clone().unwrap_or_else(|| "ems".into()))]
        }
        TargetKind::Unit => units.into_iter().map(Target::Unit).collect(),
        TargetKind::Rack => units
            .iter()
            .flat_map(|unit| racks(*unit).map(|rack_idx| Target::Rack { unit: *unit, rack_idx }))
            .collect(),
        TargetKind::Cell => {
            let mut cells = Vec::new();
            for unit in units {
                let per_module = design(unit).cells_per_module;
                for rack_idx in racks(unit) {
                    for cell_idx in 0..design(unit).cells_in_series {
                        let module_idx = cell_idx / per_module;
                        let in_module =
                            matching.module_idx.is_none_or(|wanted| wanted == module_idx);
                        let place = match matching.module_idx {
                            Some(_) => cell_idx % per_module,
                            None => cell_idx,
                        };
                        if in_module && matching.cell_idx.is_none_or(|wanted| wanted == place) {
                            cells.push(Target::Cell { unit, rack_idx, cell_idx });
                        }
                    }
                }
            }
            cells
        }
        TargetKind::Sensor => {
            let readings =
                |idx: &usize| matching.reading_idx.is_none_or(|reading_idx| reading_idx == *idx);
            let mut sensors = Vec::new();
            for unit in units {
                for reading_idx in (0..Reading::ALL.len()).filter(readings) {
                    if Reading::ALL[reading_idx].1.is_of_rack() {
                        sensors.extend(racks(unit).map(|rack_idx| Target::Sensor {
                            unit,
                            rack_idx: Some(rack_idx),
                            reading_idx,
                        }));
                    } else if matching.rack_idx.is_none() {
                        sensors.push(Target::Sensor { unit, rack_idx: None, reading_idx });
                    }
                }
            }
            sensors
        }
    }
}

/// Whether `part` is `whole`, or within it.
fn contains(whole: &Target, part: &Target) -> bool {
    if whole == part {
        return true;
    }
    match whole {
        Target::Farm => part.unit().is_some(),
        Target::Unit(unit) => part.unit() == Some(*unit),
        Target::Rack { unit, rack_idx } => {
            part.unit() == Some(*unit) && part.rack_idx() == Some(*rack_idx)
        }
        Target::Listener(None) => matches!(part, Target::Listener(_)),
        _ => false,
    }
}

/// Whether a target is next to one of `centres`, at most `radius` away in a row of its own kind, and is
/// none of them.
fn is_near(target: &Target, centres: &[Target], radius: usize) -> bool {
    let place = |target: &Target| match *target {
        Target::Unit(unit) => Some(((0, 0), unit.idx())),
        Target::Rack { unit, rack_idx } => Some(((1, unit.idx()), rack_idx)),
        Target::Cell { unit, rack_idx, cell_idx } => Some(((2 + rack_idx, unit.idx()), cell_idx)),
        _ => None,
    };
    let Some((row, at)) = place(target) else { return false };
    let near = |centre: &Target| {
        place(centre).is_some_and(|(other, centre)| other == row && centre.abs_diff(at) <= radius)
    };
    !centres.contains(target) && centres.iter().any(near)
}

/// What a condition says of each candidate.
enum Fit {
    /// The same of all.
    All(bool),
    /// Of each unit, by its index.
    Units(Vec<bool>),
    /// Of each rack of the farm, by its index.
    Racks(Vec<bool>),
}

impl Fit {
    fn new(condition: &Condition, sight: &Sight<'_>) -> Self {
        let expr = &condition.expr;
        let spec = &sight.snapshot.spec;
        let yes = |value: f64| value > 0.5;
        match expr.kind() {
            Kind::Truth(Level::Unit) => {
                let mut units = vec![false; spec.units.len()];
                expr.each(sight, |place, value| units[place.unit as usize] = yes(value));
                Self::Units(units)
            }
            Kind::Truth(Level::Rack) => {
                let mut racks = vec![false; spec.n_racks()];
                expr.each(sight, |place, value| racks[place.rack as usize] = yes(value));
                Self::Racks(racks)
            }
            _ => Self::All(expr.truth(sight) == Some(true)),
        }
    }
    fn is_met(&self, target: &Target, spec: &FarmSpec) -> bool {
        match self {
            Self::All(fits) => *fits,
            Self::Units(units) => target.unit().is_none_or(|unit| units[unit.idx()]),
            Self::Racks(racks) => target.unit().is_none_or(|unit| {
                let of_unit = &racks[spec.units[unit.idx()].racks.clone()];
                match target.rack_idx() {
                    Some(rack_idx) => of_unit[rack_idx],
                    None => of_unit.iter().all(|fits| *fits),
                }
            }),
        }
    }
}

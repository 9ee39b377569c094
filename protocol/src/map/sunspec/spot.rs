//! Where the points of a chain come to stand: models one after the other, groups within them repeated,
//! an end mark behind the last.
//!
//! A model that would pass the last register ends the chain before it, but that of a bank: it shows as
//! many strings as fit.

use super::table::{Count, Group, Model, Point};
use crate::map::source::Place;

/// First register of the chain.
pub(crate) const BASE: u16 = 40_000;
/// "SunS", which marks the start.
pub(super) const MARK: [i64; 2] = [0x5375, 0x6E53];
/// Registers of the end mark: an id of 0xFFFF and a length of 0.
const END_LENGTH: u32 = 2;
/// Number of registers that there are.
const REGISTERS: u32 = u16::MAX as u32 + 1;
/// The count that is cut to what fits.
const STRINGS: Count = Count::By("NStr");

/// A model in a chain; `K` says what fills it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop<K> {
    pub(super) model: &'static Model,
    /// The rack and the module that it is about, where it is about one.
    pub(super) place: Place,
    pub(super) filling: K,
}

/// A point that has its place.
#[derive(Clone, Debug)]
pub(super) struct Spot<K> {
    pub(super) filling: K,
    /// Index of the model in the chain.
    pub(super) stop_idx: usize,
    pub(super) point: &'static Point,
    /// Names of the groups that it is in and its own, as `Crv.Pt.V`.
    pub(super) path: String,
    /// The same with the numbers of the repetitions and the model, as `705.Crv[1].Pt[2].V`.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) address: u16,
    /// What it says where it is about the shape of its model: id, length, counts.
    pub(super) shape: Option<i64>,
}

/// How often a group of a stop is there.
pub(super) type Counts<'c, K> = &'c dyn Fn(&Stop<K>, &Group) -> u32;

/// The points of these models in order, and the register after the last.
pub(super) fn place<K: Copy>(stops: &[Stop<K>], counts: Counts<'_, K>) -> (Vec<Spot<K>>, u16) {
    let mut spots = Vec::new();
    let mut address = u32::from(BASE) + MARK.len() as u32;
    for (stop_idx, stop) in stops.iter().enumerate() {
        let body = &stop.model.body;
        let room = REGISTERS - END_LENGTH - address;
        let n_strings = strings_in(room, stop, counts);
        let count = |group: &Group| match n_strings {
            Some(n) if group.count == STRINGS => n,
            _ => counts(stop, group),
        };
        let length = body.length(&count);
        if length > room {
            break;
        }
        let mut walk = Walk { stop, stop_idx, count: &count, length, address, spots: &mut spots };
        walk.group(body, "", &stop.model.id.to_string(), stop.place, 0);
        address += length;
    }
    // The room that was kept makes the end fit.
    (spots, address as u16)
}

/// The strings that fit into `room` where the model shows any.
fn strings_in<K>(room: u32, stop: &Stop<K>, counts: Counts<'_, K>) -> Option<u32> {
    let body = &stop.model.body;
    let strings = body.groups.iter().find(|group| group.count == STRINGS)?;
    let each = strings.length(&|group| counts(stop, group));
    let own: u32 = body.points.iter().map(|p| u32::from(p.encoding.registers())).sum();
    Some(counts(stop, strings).min(room.saturating_sub(own) / each))
}

/// A model on its way into the chain.
struct Walk<'w, K> {
    stop: &'w Stop<K>,
    stop_idx: usize,
    count: &'w dyn Fn(&Group) -> u32,
    length: u32,
    address: u32,
    spots: &'w mut Vec<Spot<K>>,
}

impl<K: Copy> Walk<'_, K> {
    /// A repetition of a group; `depth` counts the repeated groups that it is in.
    fn group(&mut self, group: &'static Group, path: &str, name: &str, place: Place, depth: usize) {
        for point in group.points {
            self.spots.push(Spot {
                filling: self.stop.filling,
                stop_idx: self.stop_idx,
                point,
                path: format!("{path}{}", point.name),
                name: format!("{name}.{}", point.name),
                place,
                address: self.address as u16,
                shape: if path.is_empty() { self.shape(point) } else { None },
            });
            self.address += u32::from(point.encoding.registers());
        }
        for inner in group.groups {
            let path = format!("{path}{}.", inner.name);
            let is_repeated = inner.count != Count::Once;
            for index in 0..(self.count)(inner) {
                let mut place = place;
                let mut name = format!("{name}.{}", inner.name);
                if is_repeated {
                    name = format!("{name}[{}]", index + 1);
                    place.index[depth.min(1)] = index as usize;
                }
                if inner.count == STRINGS {
                    place.rack_idx = index as usize;
                }
                self.group(inner, &path, &name, place, depth + usize::from(is_repeated));
            }
        }
    }

    fn shape(&self, point: &Point) -> Option<i64> {
        match point.name {
            "ID" => Some(i64::from(self.stop.model.id)),
            "L" => Some(i64::from(self.length) - 2),
            name => {
                counted_by(&self.stop.model.body, name).map(|group| i64::from((self.count)(group)))
            }
        }
    }
}

/// The group that the point called `name` counts.
fn counted_by(group: &'static Group, name: &str) -> Option<&'static Group> {
    group.groups.iter().find_map(|inner| match inner.count {
        Count::By(by) if by == name => Some(inner),
        _ => counted_by(inner, name),
    })
}

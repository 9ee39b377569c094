//! Numbers, columns of them, options, lists, and what core has.

use super::{Fields, Made, Misfit, Persist, Writer, leaf, list_of, same_length};
use bess_core::alarm::{ALARMS, AlarmCode, AlarmKey, AlarmState};
use bess_core::audit::AuditRecord;
use bess_core::control::{UnitControl, UnitFunctions, WatchdogState};
use bess_core::defect::Defect;
use bess_core::event::Event;
use bess_core::force::ForcedPoint;
use bess_core::id::UnitId;
use bess_core::link::{ActiveLink, ActiveLinks, LinkCondition};
use bess_core::log::Log;
use bess_core::snapshot::{
    Counts, DcView, EnergyTotals, FaultPlane, RackView, UnitState, UnitView,
};
use bess_core::spec::{PlannedDisturbance, PlantSettings};
use bess_core::time::{Moment, SimTime, Tick};
use bess_core::units::{Joules, Vars, Watts};
use ciborium::Value;
use nalgebra::Vector4;
use std::collections::VecDeque;
use std::sync::Arc;

leaf!(bool, u8, u16, u32, u64, i64, usize, String);
leaf!(
    AlarmCode,
    AlarmKey,
    AlarmState,
    AuditRecord,
    Defect,
    DcView,
    EnergyTotals,
    Event,
    ForcedPoint
);
leaf!(Joules, LinkCondition, Moment, PlannedDisturbance, PlantSettings, SimTime, Tick, UnitControl);
leaf!(
    RackView,
    UnitFunctions,
    UnitId,
    UnitView,
    Vars,
    Watts,
    WatchdogState,
    UnitState,
    bess_core::defect::Reading
);

/// A number alone is a number, many of them are a column of bytes, the lowest first.
macro_rules! column {
    ($type:ty) => {
        impl Persist for $type {
            fn save(&self, out: &mut Writer) {
                out.leaf(self);
            }
            fn load(&mut self, from: &Value) -> Result<(), Misfit> {
                *self = super::read(from)?;
                Ok(())
            }
            fn save_all(all: &[Self], out: &mut Writer) {
                out.column(size_of_val(all));
                out.append(all.iter().map(|value| value.to_le_bytes()));
            }
            fn load_each(into: &mut [Self], from: &Value) -> Result<(), Misfit> {
                let parts = parts_of::<{ size_of::<$type>() }>(from)?;
                same_length(into.len(), parts.len())?;
                for (value, bytes) in into.iter_mut().zip(parts) {
                    *value = Self::from_le_bytes(*bytes);
                }
                Ok(())
            }
        }
        impl Made for $type {
            fn made(from: &Value) -> Result<Self, Misfit> {
                super::read(from)
            }
            fn all_made(from: &Value) -> Result<Vec<Self>, Misfit> {
                let parts = parts_of::<{ size_of::<$type>() }>(from)?;
                Ok(parts.iter().map(|bytes| Self::from_le_bytes(*bytes)).collect())
            }
        }
    };
}
column!(f32);
column!(f64);

/// A column of bytes in parts of `N`.
pub(crate) fn parts_of<const N: usize>(from: &Value) -> Result<&[[u8; N]], Misfit> {
    let bytes = from.as_bytes().ok_or_else(|| Misfit::here("it is no column of bytes"))?;
    let (parts, rest) = bytes.as_chunks::<N>();
    if rest.is_empty() {
        return Ok(parts);
    }
    Err(Misfit::here(format!("{} bytes are no whole column of {N} each", bytes.len())))
}

impl<T: Made> Persist for Vec<T> {
    fn save(&self, out: &mut Writer) {
        T::save_all(self, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        *self = T::all_made(from)?;
        Ok(())
    }
}
impl<T: Made> Made for Vec<T> {
    fn made(from: &Value) -> Result<Self, Misfit> {
        T::all_made(from)
    }
}

impl<T: Made + Clone> Persist for VecDeque<T> {
    fn save(&self, out: &mut Writer) {
        let all: Vec<T> = self.iter().cloned().collect();
        T::save_all(&all, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        *self = T::all_made(from)?.into();
        Ok(())
    }
}

impl<T: Made> Persist for Option<T> {
    fn save(&self, out: &mut Writer) {
        match self {
            Some(some) => some.save(out),
            None => out.null(),
        }
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        match (&mut *self, from) {
            (_, Value::Null) => *self = None,
            (Some(some), from) => some.load(from)?,
            (None, from) => *self = Some(T::made(from)?),
        }
        Ok(())
    }
}
impl<T: Made> Made for Option<T> {
    fn made(from: &Value) -> Result<Self, Misfit> {
        if from.is_null() { Ok(None) } else { T::made(from).map(Some) }
    }
}

impl<T: Persist> Persist for Box<T> {
    fn save(&self, out: &mut Writer) {
        (**self).save(out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        (**self).load(from)
    }
}
impl<T: Made> Made for Box<T> {
    fn made(from: &Value) -> Result<Self, Misfit> {
        T::made(from).map(Self::new)
    }
}

impl<T: Persist + Clone> Persist for Arc<T> {
    fn save(&self, out: &mut Writer) {
        (**self).save(out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        Self::make_mut(self).load(from)
    }
}
impl<T: Made + Clone> Made for Arc<T> {
    fn made(from: &Value) -> Result<Self, Misfit> {
        T::made(from).map(Self::new)
    }
}

macro_rules! tuple {
    ($($type:ident $place:tt),*) => {
        impl<$($type: Made),*> Persist for ($($type,)*) {
            fn save(&self, out: &mut Writer) {
                out.list([$($place),*].len());
                $(self.$place.save(out);)*
            }
            fn load(&mut self, from: &Value) -> Result<(), Misfit> {
                *self = Self::made(from)?;
                Ok(())
            }
        }
        impl<$($type: Made),*> Made for ($($type,)*) {
            fn made(from: &Value) -> Result<Self, Misfit> {
                let list = list_of(from)?;
                same_length([$($place),*].len(), list.len())?;
                Ok(($($type::made(&list[$place]).map_err(|misfit| misfit.within($place))?,)*))
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);

impl<T: Persist, const N: usize> Persist for [T; N] {
    fn save(&self, out: &mut Writer) {
        T::save_all(self, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        T::load_each(self, from)
    }
}
impl<T: Made + Copy + Default, const N: usize> Made for [T; N] {
    fn made(from: &Value) -> Result<Self, Misfit> {
        let mut made = [T::default(); N];
        made.load(from)?;
        Ok(made)
    }
}

impl Persist for Vector4<f64> {
    fn save(&self, out: &mut Writer) {
        f64::save_all(self.as_slice(), out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        f64::load_each(self.as_mut_slice(), from)
    }
}

/// Records that another version has and this one does not know are left out; numbers go on.
impl<T: Made + Clone> Persist for Log<T> {
    fn save(&self, out: &mut Writer) {
        out.map(2);
        out.text("total");
        out.leaf(&self.total());
        out.text("records");
        let records: Vec<T> = self.after(0).map(|(_, record)| record.clone()).collect();
        T::save_all(&records, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        let fields = Fields::of(from)?;
        let mut total = self.total();
        fields.load("total", |from| total.load(from))?;
        fields.load("records", |from| {
            let known = list_of(from)?.iter().filter_map(|from| T::made(from).ok());
            *self = Self::going_on(self.capacity(), total, known);
            Ok(())
        })
    }
}

impl Persist for ActiveLinks {
    fn save(&self, out: &mut Writer) {
        out.list(self.len());
        for link in self.iter() {
            out.map(3);
            out.text("condition");
            out.leaf(&link.condition);
            out.text("since");
            out.leaf(&link.since);
            out.text("progress");
            out.leaf(&link.progress());
        }
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        let made = |from: &Value| {
            let fields = Fields::of(from)?;
            let missing = || Misfit::here("it has no condition");
            let condition = super::read(fields.get("condition").ok_or_else(missing)?)?;
            let (mut since, mut progress) = (Tick(0), (0, 0, false));
            fields.load("since", |from| since.load(from))?;
            fields.load("progress", |from| progress.load(from))?;
            Ok(Arc::new(ActiveLink::new(condition, since).going_on(progress)))
        };
        *self = list_of(from)?.iter().map(made).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Forced points.
impl Persist for Arc<[ForcedPoint]> {
    fn save(&self, out: &mut Writer) {
        ForcedPoint::save_all(self, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        *self = ForcedPoint::all_made(from)?.into();
        Ok(())
    }
}

/// By the names of alarms and planes, whatever their places in the tables. What is in force now is made
/// of the state and not kept.
impl Persist for Counts {
    fn save(&self, out: &mut Writer) {
        let alarms = || ALARMS.iter().map(|alarm| alarm.code.name());
        out.map(3);
        out.text("alarms_raised");
        save_named(alarms(), &self.alarms_raised, out);
        out.text("trips");
        save_named(alarms(), &self.trips, out);
        out.text("faults_injected");
        save_named(FaultPlane::NAMES.into_iter(), &self.faults_injected, out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        let alarms = || ALARMS.iter().map(|alarm| alarm.code.name());
        let planes = FaultPlane::NAMES.into_iter();
        let fields = Fields::of(from)?;
        fields.load("alarms_raised", |from| load_named(alarms(), &mut self.alarms_raised, from))?;
        fields.load("trips", |from| load_named(alarms(), &mut self.trips, from))?;
        fields.load("faults_injected", |from| load_named(planes, &mut self.faults_injected, from))
    }
}

fn save_named<'n>(names: impl Iterator<Item = &'n str>, counts: &[u64], out: &mut Writer) {
    out.map(counts.len());
    for (name, count) in names.zip(counts) {
        out.text(name);
        out.leaf(count);
    }
}

fn load_named<'n>(
    names: impl Iterator<Item = &'n str>,
    counts: &mut [u64],
    from: &Value,
) -> Result<(), Misfit> {
    let fields = Fields::of(from)?;
    names.zip(counts).try_for_each(|(name, count)| fields.load(name, |from| count.load(from)))
}

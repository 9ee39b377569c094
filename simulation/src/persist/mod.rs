//! How the state of a farm is written down and read back, by name.
//!
//! State is written as a self-describing tree (CBOR): every struct as a map of its fields' names, columns
//! of cells as byte strings. It is read into a farm that was built from the same farm file, so that
//! nothing that comes from the file is written. A field that is missing keeps what the farm was built
//! with, and one that nobody knows is passed over: that is how versions read each other's state.
//!
//! [`persist!`] lists what of a struct is state and what is not, and does not compile while a field
//! stands in neither list. A struct that is state alone derives serde's traits and stands in [`leaf!`].

mod basics;
mod reading;
mod writer;

pub(crate) use basics::parts_of;
pub(crate) use writer::Writer;

use ciborium::Value;
use std::fmt;

/// Why a state cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where, from the outside in: `units.3.battery.racks.0.cells`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl Misfit {
    /// `reason`, here.
    pub(crate) fn here(reason: impl Into<String>) -> Self {
        Self { place: String::new(), reason: reason.into() }
    }
    /// The same, seen from outside of `name`.
    #[must_use]
    pub(crate) fn within(mut self, name: impl fmt::Display) -> Self {
        self.place = match self.place.is_empty() {
            true => name.to_string(),
            false => format!("{name}.{}", self.place),
        };
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for Misfit {}

/// State that can be written down and read back.
pub(crate) trait Persist {
    /// Appends the state to `out`, as one item.
    fn save(&self, out: &mut Writer);
    /// Takes the state over from `from`; what is missing there stays.
    ///
    /// # Errors
    /// Where it does not fit. `self` may be changed in part then.
    fn load(&mut self, from: &Value) -> Result<(), Misfit>;

    /// Appends several, as one item.
    fn save_all(all: &[Self], out: &mut Writer)
    where
        Self: Sized,
    {
        out.list(all.len());
        all.iter().for_each(|one| one.save(out));
    }
    /// Takes over several, of which there are as many as before.
    ///
    /// # Errors
    /// Where it does not fit.
    fn load_each(into: &mut [Self], from: &Value) -> Result<(), Misfit>
    where
        Self: Sized,
    {
        let list = list_of(from)?;
        same_length(into.len(), list.len())?;
        for (idx, (one, from)) in into.iter_mut().zip(list).enumerate() {
            one.load(from).map_err(|misfit| misfit.within(idx))?;
        }
        Ok(())
    }
}

/// State that can be read without one that is there already.
pub(crate) trait Made: Persist + Sized {
    /// Makes one from `from`.
    ///
    /// # Errors
    /// Where it does not fit.
    fn made(from: &Value) -> Result<Self, Misfit>;

    /// Makes several.
    ///
    /// # Errors
    /// Where it does not fit.
    fn all_made(from: &Value) -> Result<Vec<Self>, Misfit> {
        let made = |(idx, from)| Self::made(from).map_err(|misfit| misfit.within(idx));
        list_of(from)?.iter().enumerate().map(made).collect()
    }
}

/// The items of a list.
pub(crate) fn list_of(from: &Value) -> Result<&[Value], Misfit> {
    from.as_array().map(Vec::as_slice).ok_or_else(|| Misfit::here("it is no list"))
}

/// Refuses a length that is another than what the farm file makes.
pub(crate) fn same_length(here: usize, there: usize) -> Result<(), Misfit> {
    if here == there {
        return Ok(());
    }
    Err(Misfit::here(format!("it has {there} of them, and the farm file makes {here}")))
}

/// The fields of a struct that was written down.
pub(crate) struct Fields<'v>(&'v [(Value, Value)]);

impl<'v> Fields<'v> {
    pub(crate) fn of(from: &'v Value) -> Result<Self, Misfit> {
        from.as_map().map(|map| Self(map)).ok_or_else(|| Misfit::here("it is no map of fields"))
    }
    pub(crate) fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }
    /// Lets `load` have the field, where it is there.
    pub(crate) fn load(
        &self,
        name: &str,
        load: impl FnOnce(&Value) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        self.get(name).map_or(Ok(()), |value| load(value).map_err(|misfit| misfit.within(name)))
    }
}

/// Writes what the farm file may make or not make.
pub(crate) fn save_within<T: Persist>(some: Option<&T>, out: &mut Writer) {
    match some {
        Some(some) => some.save(out),
        None => out.null(),
    }
}

/// Reads it where the farm file makes it.
pub(crate) fn load_within<T: Persist>(some: Option<&mut T>, from: &Value) -> Result<(), Misfit> {
    match some {
        Some(some) if !from.is_null() => some.load(from),
        _ => Ok(()),
    }
}

/// How the fields of a struct are kept: those in braces, each as it is, `: each` for a list whose length
/// the farm file makes, `: within` for an option that it makes or not; not those after `but`. `new` before the name makes one of its default as well.
macro_rules! persist {
    (new $type:ident { $($fields:tt)* } $(but { $($but:ident),* $(,)? })?) => {
        $crate::persist::persist!($type { $($fields)* } $(but { $($but),* })?);
        impl $crate::persist::Made for $type {
            fn made(from: &ciborium::Value) -> Result<Self, $crate::persist::Misfit> {
                let mut made = Self::default();
                $crate::persist::Persist::load(&mut made, from)?;
                Ok(made)
            }
        }
    };
    ($type:ident $(<$arg:ty>)? { $($field:ident $(: $how:ident)?),* $(,)? }
     $(but { $($but:ident),* $(,)? })?) => {
        impl $crate::persist::Persist for $type $(<$arg>)? {
            fn save(&self, out: &mut $crate::persist::Writer) {
                // It does not compile while a field stands in neither list.
                let Self { $($field,)* $($($but: _,)*)? } = self;
                out.map([$(stringify!($field)),*].len());
                $(
                    out.text(stringify!($field));
                    $crate::persist::persist!(@save $($how)?, $field, out);
                )*
            }
            fn load(&mut self, from: &ciborium::Value) -> Result<(), $crate::persist::Misfit> {
                let fields = $crate::persist::Fields::of(from)?;
                $(
                    fields.load(stringify!($field), |from| {
                        $crate::persist::persist!(@load $($how)?, &mut self.$field, from)
                    })?;
                )*
                Ok(())
            }
        }
    };
    (@save , $field:expr, $out:expr) => { $crate::persist::Persist::save($field, $out) };
    (@save each, $field:expr, $out:expr) => { $crate::persist::Persist::save_all(&$field[..], $out) };
    (@save within, $field:expr, $out:expr) => { $crate::persist::save_within($field.as_ref(), $out) };
    (@load within, $field:expr, $from:expr) => {
        $crate::persist::load_within($field.as_mut(), $from)
    };
    (@load , $field:expr, $from:expr) => { $crate::persist::Persist::load($field, $from) };
    (@load each, $field:expr, $from:expr) => {
        $crate::persist::Persist::load_each(&mut ($field)[..], $from)
    };
}
pub(crate) use persist;

/// State by serde's traits.
macro_rules! leaf {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::persist::Persist for $type {
            fn save(&self, out: &mut $crate::persist::Writer) {
                out.leaf(self);
            }
            fn load(&mut self, from: &ciborium::Value) -> Result<(), $crate::persist::Misfit> {
                *self = $crate::persist::read_over(self, from)?;
                Ok(())
            }
        }
        impl $crate::persist::Made for $type {
            fn made(from: &ciborium::Value) -> Result<Self, $crate::persist::Misfit> {
                $crate::persist::read(from)
            }
        }
    )*};
}
pub(crate) use leaf;
pub(crate) use reading::{read, read_over};

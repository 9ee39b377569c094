//! Register maps from files: what a vendor's device shows, said in TOML.
//!
//! `read` turns a text into a [`MapFile`], or into all of its problems; `layout` turns that into a layout
//! for one design of unit, because what it includes of the standard maps depends on the design. `number`
//! and `codec` are the forms of values, `field` is what a written register does. `docs/register-maps.md`
//! is the description for people.

mod chain;
mod codec;
mod field;
mod layout;
mod number;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use codec::OwnCodec;
pub use read::parse_map;

use super::layout::{Item, Refresh, Rules, Trap};
use super::points::Level;
use bess_core::config::Problem;
use bess_core::control::WatchdogSettings;
use bess_core::point::Table;
use chain::Chain;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// Finds the text of another map that a map file names, by its path.
pub type MapSource<'s> = dyn Fn(&str) -> Result<String, String> + 's;

/// The maps that are built in, by name. None is a vendor's own: each says what it was read from.
pub const SHIPPED: &[(&str, &str)] = &[
    ("conformance", include_str!("../../../maps/conformance.toml")),
    ("kaco-like", include_str!("../../../maps/kaco-like.toml")),
    ("sma-like", include_str!("../../../maps/sma-like.toml")),
    ("solaredge-like", include_str!("../../../maps/solaredge-like.toml")),
    ("sungrow-like", include_str!("../../../maps/sungrow-like.toml")),
    ("tesla-like", include_str!("../../../maps/tesla-like.toml")),
    ("victron-like", include_str!("../../../maps/victron-like.toml")),
];

/// The text of the built-in map called `name`.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The text that the problems of a map are told with.
pub(crate) struct Origin {
    file: String,
    text: String,
}

impl Origin {
    fn problem(&self, span: &Range<usize>, message: String, hint: Option<String>) -> Problem {
        Problem::at(&self.file, &self.text, span.clone(), message, hint)
    }
}

/// A checked map.
#[derive(Clone)]
pub struct MapFile {
    name: String,
    ids: Vec<u8>,
    max_clients: Option<usize>,
    watchdog: Option<(WatchdogSettings, Range<usize>)>,
    level: Level,
    face: Face,
    also: Vec<Also>,
    origin: Arc<Origin>,
}

impl MapFile {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Unit ids that it answers to where a device has a socket of its own; none for any.
    pub fn ids(&self) -> &[u8] {
        &self.ids
    }
    /// Other maps that the same device shows under other unit ids.
    pub fn also(&self) -> &[Also] {
        &self.also
    }
    /// Clients at once that such a device serves; `None` where the map says nothing.
    pub fn max_clients(&self) -> Option<usize> {
        self.max_clients
    }
    /// How a unit behind it watches its controller; `None` where the map says nothing.
    pub fn watchdog(&self) -> Option<WatchdogSettings> {
        self.watchdog.as_ref().map(|(settings, _)| *settings)
    }
    /// Whether it is a map of the plant, and not of a unit.
    pub fn is_of_plant(&self) -> bool {
        self.level == Level::Plant
    }
}

impl fmt::Debug for MapFile {
    /// Tells maps apart; what they hold is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = DefaultHasher::new();
        (&self.origin.file, &self.origin.text).hash(&mut hasher);
        write!(f, "MapFile({:?}, {:016x})", self.name, hasher.finish())
    }
}

/// A map that a device shows under further unit ids.
#[derive(Clone, Debug)]
pub struct Also {
    /// The unit ids.
    pub ids: Vec<u8>,
    /// What the device is there.
    pub name: String,
    pub(crate) shows: Shows,
}

/// See [`Also`].
#[derive(Clone)]
pub(crate) enum Shows {
    /// The standard maps with these names.
    Standard { compact: bool, sunspec: bool },
    /// A map of its own.
    Face(Box<Face>, Arc<Origin>),
}

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard { .. } => "standard",
            Self::Face(..) => "own",
        })
    }
}

/// What a device shows, before it is laid out for a design.
#[derive(Clone)]
pub(crate) struct Face {
    /// Name of the map, for the audit and documents.
    name: String,
    items: Vec<Placed>,
    rules: Rules,
    traps: Vec<Trap>,
    refresh: Vec<Refresh>,
    memory_len: usize,
    initial: Vec<(usize, Vec<u16>)>,
    identity: Vec<(u8, String)>,
    /// Tables that what is included stands in.
    tables: Vec<Table>,
    /// Where the compact map is included.
    compact: Option<Range<usize>>,
    chain: Option<Chain>,
}

/// Registers of a map with their place in the text.
#[derive(Clone)]
struct Placed {
    table: Table,
    item: Item,
    label: String,
    span: Range<usize>,
    /// Whether it shows a single cell.
    is_cell: bool,
}

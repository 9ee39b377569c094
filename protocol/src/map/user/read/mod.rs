//! Reads map files: the tables of the text one by one, then what they are together.
//!
//! Every reader reports what is wrong and goes on, so that all problems come at once; `check` looks at
//! what only the whole tells.

mod blocks;
mod check;
mod head;
mod number;
mod part;
mod place;
mod point;
mod text;
mod value;
mod watchdog;
mod written;

use super::chain::{Anchor, Chain, VendorModel};
use super::field::Lock;
use super::layout::overlaps;
use super::{Also, Face, MapFile, MapSource, Origin, Placed, Shows, shipped};
use crate::map::Profile;
use crate::map::layout::{Refresh, Trap};
use crate::map::points::Level;
use crate::map::sunspec::BASE;
use bess_core::config::{
    Problem, Problems, Section, Shape, did_you_mean, read_document_with_files,
};
use bess_core::point::Table;
use head::Options;
use std::ops::Range;
use std::sync::Arc;

/// Reads the map `text`; `file` names it in messages. Other maps that it names are built in, or are
/// files that `source` finds.
///
/// # Errors
/// All problems of the text and of the maps that it names.
pub fn parse_map(file: &str, text: &str, source: &MapSource<'_>) -> Result<MapFile, Problems> {
    parse(file, text, Some(source))
}

/// Without a source no other maps may be named: a map that another one shows.
fn parse(file: &str, text: &str, source: Option<&MapSource<'_>>) -> Result<MapFile, Problems> {
    let origin = Arc::new(Origin { file: file.to_owned(), text: text.to_owned() });
    let map =
        read_document_with_files(file, text, |root, foreign| read(root, &origin, source, foreign))?;
    map.ok_or_else(Problems::default)
}

fn read(
    root: &Section<'_, '_>,
    origin: &Arc<Origin>,
    source: Option<&MapSource<'_>>,
    foreign: &mut Vec<Problem>,
) -> Option<MapFile> {
    let head = root.required_section("map")?;
    let name = head.text("name");
    let level = head.choice_or("level", Level::Unit, &Level::ALL);
    let firmware = head.has("firmware").then(|| head.text("firmware"));
    let ids = unit_ids(&head, "unit_ids");
    let max_clients =
        head.has("max_clients").then(|| head.integer("max_clients", 1, 100_000) as usize);
    // For people only.
    let _ = head.text_or("description", "");
    let options = Options::default().read(&head);
    head.finish();
    let context = Context { level, firmware };
    let mut reader = FaceReader::new(&name, &context, &options);
    let watchdog = reader.watchdog(root);
    let face = reader.read(root);
    let also = read_also(root, &name, &context, &options, origin, source, foreign);
    Some(MapFile {
        name,
        ids,
        max_clients,
        watchdog,
        level,
        face,
        also,
        origin: Arc::clone(origin),
    })
}

/// What holds for the whole file.
#[derive(Debug)]
struct Context {
    level: Level,
    firmware: Option<String>,
}

fn unit_ids(section: &Section<'_, '_>, key: &'static str) -> Vec<u8> {
    let mut ids = Vec::new();
    for (id, span) in section.integers(key, 0, 255) {
        if ids.contains(&(id as u8)) {
            section.report(span, format!("unit id {id} is named twice"), None);
        }
        ids.push(id as u8);
    }
    ids
}

/// `[[also]]`: what the device shows under further unit ids.
fn read_also(
    root: &Section<'_, '_>,
    name: &str,
    context: &Context,
    options: &Options,
    origin: &Arc<Origin>,
    source: Option<&MapSource<'_>>,
    foreign: &mut Vec<Problem>,
) -> Vec<Also> {
    let Some(source) = source else {
        let hint = "name the maps in the file that shows them all";
        root.refuse("also", "has no meaning in a map that another one shows", hint);
        return Vec::new();
    };
    let mut also: Vec<Also> = Vec::new();
    for section in root.sections("also") {
        let ids = unit_ids(&section, "unit_ids");
        let span = section.span_of("unit_ids");
        if ids.is_empty() {
            let message = "`[[also]]` needs `unit_ids`, the unit ids of this map".to_owned();
            section.report(span.clone(), message, Some("such as `unit_ids = [126]`".to_owned()));
        }
        if let Some(id) = ids.iter().find(|id| also.iter().any(|known| known.ids.contains(id))) {
            section.report(span, format!("unit id {id} has a map already"), None);
        }
        let label = section.text_or("name", &format!("{name} {ids:?}"));
        let shows = if section.has("map") {
            let shows = other_map(&section, context.level, source, foreign);
            section.finish();
            shows
        } else {
            let options = options.clone().read(&section);
            let face = FaceReader::new(&label, context, &options).read(&section);
            section.finish();
            Some(Shows::Face(Box::new(face), Arc::clone(origin)))
        };
        also.extend(shows.map(|shows| Also { ids, name: label, shows }));
    }
    also
}

/// The map that `map` names.
fn other_map(
    section: &Section<'_, '_>,
    level: Level,
    source: &MapSource<'_>,
    foreign: &mut Vec<Problem>,
) -> Option<Shows> {
    let name = section.text("map");
    let span = section.span_of("map");
    match name.as_str() {
        "" => return None,
        "sunspec" => return Some(Shows::Standard { compact: false, sunspec: true }),
        "compact" => return Some(Shows::Standard { compact: true, sunspec: false }),
        "standard" => return Some(Shows::Standard { compact: true, sunspec: true }),
        _ => {}
    }
    let is_path = std::path::Path::new(&name).extension().is_some_and(|of| of == "toml");
    let text = match shipped(&name) {
        Some(text) => Ok(text.to_owned()),
        None if is_path => source(&name),
        None => Err("it is not built in".to_owned()),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => {
            let mut known: Vec<&str> = vec!["sunspec", "compact", "standard"];
            known.extend(super::SHIPPED.iter().map(|(name, _)| *name));
            let hint = did_you_mean(&name, &known)
                .unwrap_or_else(|| format!("there are {}; or name a file", known.join(", ")));
            section.report(span, format!("no map \"{name}\": {reason}"), Some(hint));
            return None;
        }
    };
    match parse(&name, &text, None) {
        Ok(map) if map.level == level => Some(Shows::Face(Box::new(map.face), map.origin)),
        Ok(_) => {
            section.report(span, format!("map \"{name}\" is not of the same level"), None);
            None
        }
        Err(problems) => {
            foreign.extend(problems.0);
            None
        }
    }
}

/// A range of registers that means something, with its place in the text.
struct Block<T> {
    what: T,
    table: Table,
    from: u16,
    to: u16,
    name: &'static str,
    span: Range<usize>,
}

/// Reads what a device shows.
struct FaceReader<'r> {
    name: &'r str,
    context: &'r Context,
    options: &'r Options,
    items: Vec<Placed>,
    /// Parts of registers, to be put together.
    parts: Vec<part::Fraction>,
    traps: Vec<Block<Trap>>,
    refresh: Vec<Block<Refresh>>,
    locks: Vec<Block<Lock>>,
    memory_len: usize,
    initial: Vec<(usize, Vec<u16>)>,
    /// Names that points were given, with their places.
    names: Vec<(String, Range<usize>)>,
}

impl<'r> FaceReader<'r> {
    fn new(name: &'r str, context: &'r Context, options: &'r Options) -> Self {
        Self {
            name,
            context,
            options,
            items: Vec::new(),
            parts: Vec::new(),
            traps: Vec::new(),
            refresh: Vec::new(),
            locks: Vec::new(),
            memory_len: 0,
            initial: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Room for `len` words in the memory of the device.
    fn take_memory(&mut self, len: usize) -> usize {
        let offset = self.memory_len;
        self.memory_len += len;
        offset
    }

    fn read(mut self, section: &Section<'_, '_>) -> Face {
        // Locks first: the points that they shut are told.
        self.unlocks(section);
        self.blocks(section);
        self.points(section, place::Origin::Address);
        self.put_parts_together(section);
        let chain = self.chain(section);
        let identity = blocks::identity(section);
        let compact = self.options.compact.clone();
        let rules = self.options.rules(&self.items, compact.is_some() || chain.is_some());
        let face = Face {
            name: self.name.to_owned(),
            items: std::mem::take(&mut self.items),
            rules,
            traps: self.traps.iter().map(|block| block.what).collect(),
            refresh: self.refresh.iter().map(|block| block.what).collect(),
            memory_len: self.memory_len,
            initial: std::mem::take(&mut self.initial),
            identity,
            tables: self.options.tables.clone(),
            compact,
            chain,
        };
        self.check(section, &face);
        face
    }

    /// The chain that `[sunspec]`, `include` and `[[model]]` ask for.
    fn chain(&mut self, section: &Section<'_, '_>) -> Option<Chain> {
        let asked = section.section("sunspec");
        let models = section.sections("model");
        let included = self.options.sunspec.clone();
        let span = asked.as_ref().map(Section::span).or(included);
        if let (None, Some(model)) = (&span, models.first()) {
            let message = "a `[[model]]` stands in a SunSpec chain".to_owned();
            let hint = "add `[sunspec]`, or `include = [\"sunspec\"]` in `[map]`".to_owned();
            section.report(model.span(), message, Some(hint));
        }
        let span = span?;
        let (base, profile, wanted) = match asked {
            Some(asked) => {
                let base = asked.integer_or("base", u64::from(BASE), 0, 65_000);
                let wanted = (asked.shape("models") != Shape::Absent).then(|| {
                    let models = asked.integers("models", 1, 65_534).into_iter();
                    models.map(|(id, span)| (id as u16, span)).collect::<Vec<_>>()
                });
                if wanted.as_ref().is_some_and(|wanted| wanted.first().is_none_or(|of| of.0 != 1)) {
                    let message = "a chain begins with model 1".to_owned();
                    asked.report(asked.span_of("models"), message, None);
                }
                let profile = asked.choice_or("profile", Profile::Standard, &Profile::ALL);
                asked.finish();
                (base as u16, profile, wanted)
            }
            None => (BASE, Profile::Standard, None),
        };
        let vendor = models.into_iter().filter_map(|model| self.model(model)).collect();
        Some(Chain { base, profile, models: wanted, vendor, span })
    }

    /// `[[model]]`: a model of the vendor's own.
    fn model(&mut self, section: Section<'_, '_>) -> Option<VendorModel> {
        let id = section.integer("id", 1, 65_534) as u16;
        let neighbour = |key| section.has(key).then(|| section.integer(key, 1, 65_534) as u16);
        let anchor = match (neighbour("before"), neighbour("after")) {
            (Some(before), None) => Anchor::Before(before),
            (None, Some(after)) => Anchor::After(after),
            (None, None) => Anchor::End,
            (Some(_), Some(_)) => {
                let message = "a model stands `before` or `after` another, not both".to_owned();
                section.report(section.span_of("after"), message, None);
                Anchor::End
            }
        };
        let length = section.has("length").then(|| section.integer("length", 1, 1_000) as u16);
        let mut inner = FaceReader::new(self.name, self.context, self.options);
        (inner.memory_len, inner.locks) = (self.memory_len, std::mem::take(&mut self.locks));
        inner.points(&section, place::Origin::Model);
        inner.put_parts_together(&section);
        let mut items = std::mem::take(&mut inner.items);
        self.memory_len = inner.memory_len;
        self.locks = inner.locks;
        self.initial.append(&mut inner.initial);
        self.names.append(&mut inner.names);
        items.sort_by_key(|placed| placed.item.address());
        for (span, message, hint) in overlaps(&items) {
            section.report(span, message, hint);
        }
        let end = items.iter().map(|placed| placed.item.end()).max().unwrap_or(2);
        let body = length.map_or(end - 2, u32::from);
        if end - 2 > body || body == 0 {
            let message = format!("the points of model {id} need a length of {}", end - 2);
            section.report(section.span_of("length"), message, None);
            return None;
        }
        let span = section.span();
        section.finish();
        Some(VendorModel { id, anchor, body: body as u16, items, span })
    }
}

//! The SunSpec chain of a map file: the standard models of the unit that it wants, and models of the
//! vendor's own between them, at the register that it wants.

use super::Placed;
use crate::map::layout::{Field, Item};
use crate::map::{Profile, sunspec};
use bess_core::point::Table;
use std::ops::Range;

/// Where a model of the vendor's stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Before(u16),
    After(u16),
    /// Before the end mark.
    End,
}

/// A model of the vendor's own; the addresses of its items count from its id on.
#[derive(Clone)]
pub(super) struct VendorModel {
    pub(super) id: u16,
    pub(super) anchor: Anchor,
    /// Registers after the length.
    pub(super) body: u16,
    pub(super) items: Vec<Placed>,
    pub(super) span: Range<usize>,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) base: u16,
    /// Which standard models there are.
    pub(super) profile: Profile,
    /// Standard models in order; `None` for all of the unit's.
    pub(super) models: Option<Vec<(u16, Range<usize>)>>,
    pub(super) vendor: Vec<VendorModel>,
    pub(super) span: Range<usize>,
}

/// A run of registers of the chain that moves as a whole.
struct Link {
    id: u16,
    length: u32,
    /// Addresses count from the first register of the model.
    items: Vec<Placed>,
}

/// Something of the chain that does not fit: its place, what, and how to mend it.
pub(super) type Misfit = (Range<usize>, String, Option<String>);

/// Registers of the mark at the start, and of that at the end.
const MARK: u32 = 2;
/// What registers between the points of a vendor's model show: SunSpec's filler.
const FILLER: i64 = 0x8000;

impl Chain {
    /// The chain out of the fields of the standard one.
    ///
    /// # Errors
    /// Models that are not there, or twice, and registers beyond the last one.
    pub(super) fn lay_out(&self, standard: sunspec::Chain) -> Result<Vec<Placed>, Vec<Misfit>> {
        let is_cell = |address: u16| {
            standard.cells.is_some_and(|(first, last)| (first..=last).contains(&address))
        };
        let (mut problems, mut marks) = (Vec::new(), Vec::new());
        let mut links: Vec<Link> = Vec::new();
        for field in standard.fields {
            let Some(id) = model_of(&field) else {
                marks.push(field);
                continue;
            };
            // Of models with one number each begins with its id.
            let begins = field.about.name.ends_with(".ID");
            if begins || links.last().is_none_or(|link| link.id != id) {
                links.push(Link { id, length: 0, items: Vec::new() });
            }
            let placed = Placed { is_cell: is_cell(field.address), ..placed_at(field, &self.span) };
            if let Some(link) = links.last_mut() {
                link.items.push(placed);
            }
        }
        for link in &mut links {
            link.rebase();
        }
        if let Some(wanted) = &self.models {
            links = pick(links, wanted, &mut problems);
        }
        for model in &self.vendor {
            insert(&mut links, model, &mut problems);
        }
        let mut placed = self.join(links, marks, &mut problems);
        if problems.is_empty() {
            placed.sort_by_key(|placed| placed.item.address());
            Ok(placed)
        } else {
            Err(problems)
        }
    }

    fn join(&self, links: Vec<Link>, marks: Vec<Field>, problems: &mut Vec<Misfit>) -> Vec<Placed> {
        let last = u32::from(u16::MAX);
        let mut placed = Vec::new();
        let mut at = u32::from(self.base);
        let mut put = |items: Vec<Placed>, at: u32, length: u32| {
            if at + length <= last + 1 {
                placed.extend(items.into_iter().map(|item| item.moved(at)));
            }
        };
        let mark = |address: u16, mut field: Field| {
            field.address = address;
            placed_at(field, &self.span)
        };
        // Two words at the start and two at the end, in this order.
        let mut marks = marks.into_iter();
        let start = marks.by_ref().take(2).zip(0..).map(|(field, at)| mark(at, field)).collect();
        put(start, at, MARK);
        at += MARK;
        for link in links {
            put(link.items, at, link.length);
            at += link.length;
        }
        put(marks.zip(0..).map(|(field, at)| mark(at, field)).collect(), at, MARK);
        at += MARK;
        if at > last + 1 {
            let message = format!("the chain ends at register {}, beyond {last}", at - 1);
            let hint = "choose a lower `base`, or fewer `models`".to_owned();
            problems.push((self.span.clone(), message, Some(hint)));
        }
        placed
    }
}

impl Link {
    /// Counts addresses from the first one on.
    fn rebase(&mut self) {
        let first = self.items.iter().map(|placed| placed.item.address()).min().unwrap_or(0);
        let end = self.items.iter().map(|placed| placed.item.end()).max().unwrap_or(0);
        self.length = end - u32::from(first);
        for placed in &mut self.items {
            if let Item::Field(field) = &mut placed.item {
                field.address -= first;
            }
        }
    }
}

impl Placed {
    /// The same so many registers further; it fits.
    fn moved(mut self, by: u32) -> Self {
        match &mut self.item {
            Item::Field(field) => field.address = (u32::from(field.address) + by) as u16,
            Item::Memory(memory) => memory.address = (u32::from(memory.address) + by) as u16,
        }
        self
    }
}

fn placed_at(field: Field, span: &Range<usize>) -> Placed {
    Placed {
        table: Table::Holding,
        label: field.about.name.clone(),
        item: Item::Field(field),
        span: span.clone(),
        is_cell: false,
    }
}

/// The model that a field of the standard chain is of: its name begins with the number.
fn model_of(field: &Field) -> Option<u16> {
    field.about.name.split_once('.')?.0.parse().ok()
}

fn known(links: &[Link]) -> String {
    let ids: Vec<String> = links.iter().map(|link| link.id.to_string()).collect();
    format!("the chain has {}", ids.join(", "))
}

fn pick(links: Vec<Link>, wanted: &[(u16, Range<usize>)], problems: &mut Vec<Misfit>) -> Vec<Link> {
    let hint = known(&links);
    let mut links: Vec<Option<Link>> = links.into_iter().map(Some).collect();
    let mut picked = Vec::new();
    for (id, span) in wanted {
        let found = links.iter_mut().find(|link| link.as_ref().is_some_and(|link| link.id == *id));
        match found.and_then(Option::take) {
            Some(link) => picked.push(link),
            None => {
                let message =
                    format!("model {id} is not in the chain of this unit, or it is named twice");
                problems.push((span.clone(), message, Some(hint.clone())));
            }
        }
    }
    picked
}

fn insert(links: &mut Vec<Link>, model: &VendorModel, problems: &mut Vec<Misfit>) {
    if links.iter().any(|link| link.id == model.id) {
        let message = format!("model {} is in the chain already", model.id);
        problems.push((model.span.clone(), message, None));
        return;
    }
    let position = |id: u16| links.iter().position(|link| link.id == id);
    let at = match model.anchor {
        Anchor::Before(id) => position(id),
        Anchor::After(id) => position(id).map(|at| at + 1),
        Anchor::End => Some(links.len()),
    };
    let Some(at) = at else {
        let message = format!("there is no model to place {} beside", model.id);
        problems.push((model.span.clone(), message, Some(known(links))));
        return;
    };
    let constant = |name: &str, address: u16, word: i64| {
        let mut field = Field::constant("sunspec", &format!("{}.{name}", model.id), address, word);
        field.about.map = "vendor".into();
        placed_at(field, &model.span)
    };
    let mut items =
        vec![constant("ID", 0, model.id.into()), constant("L", 1, i64::from(model.body))];
    let mut next = 2;
    for placed in &model.items {
        items.extend((next..placed.item.address()).map(|at| constant("pad", at, FILLER)));
        next = placed.item.end() as u16;
        items.push(placed.clone());
    }
    items.extend((next..model.body + 2).map(|at| constant("pad", at, FILLER)));
    links.insert(at, Link { id: model.id, length: u32::from(model.body) + MARK, items });
}

//! Fields of a map file: where they come from beside points, and what writing does to them.
//!
//! What a device must remember of its registers (what was written, whether it is unlocked) lies in the
//! memory of its desk; where, is said when the file is read.

use super::codec::OwnCodec;
use super::number::Number;
use crate::map::edit::{Edit, OwnWrite, Refusal, Write, Writer};
use crate::map::encoding::Value;
use crate::map::source::{OwnSource, Sight, Source};
use std::sync::Arc;

/// A text that does not change.
#[derive(Debug)]
pub(super) struct ConstText(pub(super) String);

impl OwnSource for ConstText {
    fn value<'s>(&'s self, _: Sight<'s>) -> Value<'s> {
        Value::Text(&self.0)
    }
}

/// A number that does not change.
#[derive(Debug)]
pub(super) struct ConstNumber(pub(super) f64);

impl OwnSource for ConstNumber {
    fn value<'s>(&'s self, _: Sight<'s>) -> Value<'s> {
        Value::Number(self.0)
    }
}

/// Bits in the memory of the device, four words of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell(pub(super) usize);

impl Cell {
    /// Words that it takes.
    pub(super) const LEN: usize = 4;

    pub(super) fn words(bits: u64) -> [u16; Self::LEN] {
        [(bits >> 48) as u16, (bits >> 32) as u16, (bits >> 16) as u16, bits as u16]
    }
    fn read(self, sight: Sight<'_>) -> u64 {
        let words = sight.desk().words::<{ Self::LEN }>(self.0);
        words.iter().fold(0, |bits, word| bits << 16 | u64::from(*word))
    }
    fn write(self, edit: &mut Edit<'_>, bits: u64) {
        edit.remember(self.0, &Self::words(bits));
    }
}

impl OwnSource for Cell {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        Value::Bits(self.read(sight))
    }
}

/// What a register that was written shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readback {
    /// What is so.
    Actual,
    /// What was written last.
    Written,
    /// What was written until it has taken effect, then 0.
    SelfClearing,
}

/// What a register remembers of the last write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The bits.
    pub(super) bits: Cell,
    /// The tick after the write; 0 for none.
    pub(super) at: Cell,
}

impl Kept {
    /// Words that it takes.
    pub(super) const LEN: usize = 2 * Cell::LEN;

    pub(super) fn at(offset: usize) -> Self {
        Self { bits: Cell(offset), at: Cell(offset + Cell::LEN) }
    }
}

/// A register that shows what was written to it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) source: Source,
    pub(super) kept: Kept,
    pub(super) readback: Readback,
    pub(super) delay_ticks: u64,
}

impl OwnSource for Shown {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        let written_at = self.kept.at.read(sight);
        let is_due = sight.snapshot.tick.0 + 1 >= written_at.saturating_add(self.delay_ticks);
        match self.readback {
            Readback::Written if written_at > 0 => Value::Bits(self.kept.bits.read(sight)),
            Readback::SelfClearing if written_at == 0 || is_due => Value::Bits(0),
            Readback::SelfClearing => Value::Bits(self.kept.bits.read(sight)),
            Readback::Actual | Readback::Written => self.source.value(sight),
        }
    }
}

/// A code that has to be written before some registers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) code: u64,
    /// The tick after the code came; 0 for not yet.
    pub(super) at: Cell,
    /// For how long it is open; `None` for good.
    pub(super) open_ticks: Option<u64>,
    /// What answers while it is shut.
    pub(super) exception: u8,
}

impl Lock {
    fn is_open(&self, sight: Sight<'_>) -> bool {
        let (at, now) = (self.at.read(sight), sight.snapshot.tick.0 + 1);
        at > 0 && self.open_ticks.is_none_or(|ticks| now <= at.saturating_add(ticks))
    }
}

/// The register that takes a code: it reads 1 while it is open.
impl OwnSource for Lock {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        Value::Raw(self.is_open(sight).into())
    }
}

/// What a value that was written does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// As the point does.
    Put(Write),
    /// A yes asks for this value of the point, a no for nothing.
    Ask(Write, f64),
    /// The opposite of a yes or no.
    Opposite(Write),
    /// It is remembered, as it was written.
    Remember(Cell),
    /// It opens registers.
    Unlock(Lock),
    /// Nothing.
    Nothing,
}

impl Effect {
    /// Whether it asks something of the farm.
    pub(super) fn acts(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Ask(..) | Self::Opposite(_))
    }

    fn take(&self, edit: &mut Edit<'_>, value: f64, bits: u64) -> Result<(), Refusal> {
        match self {
            Self::Put(write) => write.put(edit, value),
            Self::Ask(write, wanted) if value == 1.0 => write.put(edit, *wanted),
            Self::Opposite(write) => write.put(edit, 1.0 - value),
            Self::Remember(cell) => {
                cell.write(edit, bits);
                Ok(())
            }
            Self::Unlock(lock) => {
                if bits != lock.code {
                    return Err(Refusal::Value);
                }
                let now = edit.sight().snapshot.tick.0 + 1;
                lock.at.write(edit, now);
                Ok(())
            }
            Self::Ask(..) | Self::Nothing => Ok(()),
        }
    }
}

/// Exception 3.
pub(super) const ILLEGAL_VALUE: u8 = 3;

/// What becomes of a value that the register does not take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Otherwise {
    /// This exception.
    Refuse(u8),
    /// It is taken, and does nothing.
    Ignore,
    /// The nearest one that is taken.
    Clamp,
    /// This value of the point.
    Value(f64),
}

/// What writing does to a number.
#[derive(Clone, Debug)]
pub(super) struct Taker {
    pub(super) effect: Effect,
    /// What the number means; of a counter every bit counts.
    pub(super) number: Number,
    pub(super) is_counter: bool,
    /// What it shows: a client may write a block back as it read it.
    pub(super) source: Source,
    /// Smallest and largest value that it takes.
    pub(super) range: Option<(f64, f64)>,
    pub(super) on_invalid: Otherwise,
    pub(super) kept: Option<Kept>,
    /// Set once it was written, where it can be written only once.
    pub(super) once: Option<Cell>,
    pub(super) delay_ticks: u64,
    /// Any of these must be open.
    pub(super) locks: Vec<Lock>,
}

impl Taker {
    /// One that takes every value of its type, at once.
    pub(super) fn plain(effect: Effect, number: Number, source: Source) -> Self {
        Self {
            effect,
            number,
            is_counter: false,
            source,
            range: None,
            on_invalid: Otherwise::Refuse(ILLEGAL_VALUE),
            kept: None,
            once: None,
            delay_ticks: 0,
            locks: Vec::new(),
        }
    }

    /// The same for whole registers.
    pub(super) fn of_whole(self, codec: &Arc<OwnCodec>) -> Writer {
        Writer::Own(Arc::new(WholeWrite { codec: Arc::clone(codec), taker: self }))
    }

    /// Takes bits that were written.
    pub(super) fn take(&self, edit: &mut Edit<'_>, bits: u64) -> Result<(), Refusal> {
        let sight = edit.sight();
        if let Some(lock) = self.locks.first()
            && !self.locks.iter().any(|lock| lock.is_open(sight))
        {
            return Err(Refusal::Exception(lock.exception));
        }
        if let Some(once) = self.once {
            if once.read(sight) != 0 {
                return Err(Refusal::Address);
            }
            once.write(edit, 1);
        }
        let Some(value) = self.judge(sight, bits)? else { return Ok(()) };
        if let Some(kept) = self.kept {
            kept.bits.write(edit, bits);
            kept.at.write(edit, sight.snapshot.tick.0 + 1);
        }
        let edit = if self.delay_ticks > 0 { edit.delayed(self.delay_ticks) } else { edit };
        self.effect.take(edit, value, bits)
    }

    /// The value that is meant; `None` for one that does nothing.
    fn judge(&self, sight: Sight<'_>, bits: u64) -> Result<Option<f64>, Refusal> {
        if self.is_counter {
            return Ok(Some(bits as f64));
        }
        let value = self.number.read(bits);
        let (low, high) = self.range.unwrap_or((f64::MIN, f64::MAX));
        // The last digit of a scaled limit is no reason to refuse.
        let taken = low - 1e-9 * low.abs()..=high + 1e-9 * high.abs();
        match value {
            Some(value) if taken.contains(&value) => Ok(Some(value)),
            _ if bits == self.number.show(self.source.value(sight)) => Ok(None),
            value => match (self.on_invalid, value) {
                (Otherwise::Refuse(code), _) => Err(Refusal::Exception(code)),
                (Otherwise::Ignore, _) => Ok(None),
                (Otherwise::Value(meant), _) => Ok(Some(meant)),
                (Otherwise::Clamp, Some(value)) => Ok(Some(value.clamp(low, high))),
                (Otherwise::Clamp, None) => Err(Refusal::Value),
            },
        }
    }
}

/// What writing does to whole registers.
#[derive(Debug)]
struct WholeWrite {
    codec: Arc<OwnCodec>,
    taker: Taker,
}

impl OwnWrite for WholeWrite {
    fn take(&self, edit: &mut Edit<'_>, _: Option<f64>, words: &[u16]) -> Result<(), Refusal> {
        self.taker.take(edit, self.codec.gather(words))
    }
}

/// A part of a register.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its lowest bit.
    pub(super) shift: u32,
    pub(super) number: Number,
    pub(super) source: Source,
    pub(super) taker: Option<Taker>,
}

impl Part {
    /// The bits of the register that are its.
    pub(super) fn mask(&self) -> u64 {
        self.number.mask() << self.shift
    }
}

/// Registers of several parts.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) codec: Arc<OwnCodec>,
    pub(super) parts: Vec<Part>,
    /// What is shown in the bits of none.
    pub(super) ground: u64,
    /// Whether other bits than those that can be written must be written as they read.
    pub(super) is_strict: bool,
}

impl Packed {
    fn bits(&self, sight: Sight<'_>) -> u64 {
        self.parts.iter().fold(self.ground, |bits, part| {
            let shown = part.number.show(part.source.value(sight)) << part.shift;
            bits & !part.mask() | shown
        })
    }
}

impl OwnSource for Packed {
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        Value::Bits(self.bits(sight))
    }
}

/// What writing does to registers of several parts.
#[derive(Debug)]
pub(super) struct PackedWrite(pub(super) Arc<Packed>);

impl OwnWrite for PackedWrite {
    fn take(&self, edit: &mut Edit<'_>, _: Option<f64>, words: &[u16]) -> Result<(), Refusal> {
        let packed = &*self.0;
        let bits = packed.codec.gather(words);
        let takers = packed.parts.iter().filter(|part| part.taker.is_some());
        let writable = takers.fold(0, |mask, part| mask | part.mask());
        if packed.is_strict && (bits ^ packed.bits(edit.sight())) & !writable != 0 {
            return Err(Refusal::Value);
        }
        for part in &packed.parts {
            if let Some(taker) = &part.taker {
                taker.take(edit, bits >> part.shift & part.number.mask())?;
            }
        }
        Ok(())
    }
}

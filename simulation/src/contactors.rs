//! The switchgear of a rack: a contactor in each line, one in series with the precharge resistor, and
//! a fuse.
//!
//! A contactor tells where it is (feedback). One that is welded or stuck is found when it is told to
//! move and does not: before that, what it was told and what it does agree.

use crate::persist::leaf;
use bess_core::defect::{ContactorFault, SLOW_CONTACTOR_S};
use bess_core::event::Contactor;
use bess_core::spec::SequenceSpec;
use bess_core::time::{TICK_S, Tick};

/// The contactors in the order of [`RackView::contactors`](bess_core::snapshot::RackView).
pub(crate) const CONTACTORS: [Contactor; 3] =
    [Contactor::Negative, Contactor::Precharge, Contactor::Positive];

/// What the contactors of a rack are told: whether to be closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Order {
    pub(crate) negative: bool,
    pub(crate) precharge: bool,
    pub(crate) positive: bool,
}
leaf!(Order);

impl Order {
    /// All open.
    pub(crate) const OPEN: Self = Self { negative: false, precharge: false, positive: false };
    /// The first step up and the last one down.
    pub(crate) const NEGATIVE: Self = Self { negative: true, ..Self::OPEN };
    /// The bus charges through the resistor.
    pub(crate) const PRECHARGE: Self = Self { precharge: true, ..Self::NEGATIVE };
    /// The positive contactor takes over.
    pub(crate) const JOINED: Self = Self { positive: true, ..Self::PRECHARGE };
    /// In operation.
    pub(crate) const CLOSED: Self = Self { precharge: false, ..Self::JOINED };

    fn of(self, contactor: Contactor) -> bool {
        match contactor {
            Contactor::Negative => self.negative,
            Contactor::Precharge => self.precharge,
            Contactor::Positive => self.positive,
        }
    }
}

/// One contactor.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Switch {
    told: bool,
    closed: bool,
    fault: ContactorFault,
    /// Ticks for which a slow one has been told what it does not do yet.
    late_ticks: u32,
}

impl Switch {
    fn at(closed: bool) -> Self {
        Self { told: closed, closed, ..Self::default() }
    }

    /// Does what it was told, as far as its fault lets it; whether it moved.
    fn move_as_told(&mut self) -> bool {
        let holds = match self.fault {
            ContactorFault::None => false,
            ContactorFault::Welded => self.closed,
            ContactorFault::Stuck => !self.closed,
            ContactorFault::Slow => u64::from(self.late_ticks) < Tick::count_in(SLOW_CONTACTOR_S),
        };
        let moves = self.closed != self.told && !holds;
        self.closed ^= moves;
        if self.closed == self.told {
            self.late_ticks = 0;
        }
        moves
    }
}

/// The fuse of a rack: it blows when the heat of the current beyond its rating reaches its I2t.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Fuse {
    blown: bool,
    /// I2t beyond the rating so far, in A2s; it goes down again below the rating.
    heat_a2s: f64,
}

/// Switchgear of one rack.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Switchgear {
    switches: [Switch; 3],
    fuse: Fuse,
    /// Whether the operator lets it take part.
    pub(crate) enabled: bool,
    /// Whether it takes part now: one that does not match the bus waits.
    pub(crate) takes_part: bool,
    /// Whether it has dropped out: its contactors are open, whatever they are told.
    dropped: bool,
}
leaf!(Switchgear);

impl Switchgear {
    /// Contactors all open, or closed as in operation; the fuse is whole.
    pub(crate) fn new(closed: bool) -> Self {
        Self {
            switches: [Switch::at(closed), Switch::at(false), Switch::at(closed)],
            fuse: Fuse::default(),
            enabled: true,
            takes_part: closed,
            dropped: false,
        }
    }

    /// What it was last told.
    pub(crate) fn told(&self) -> Order {
        let [negative, precharge, positive] = self.switches.map(|switch| switch.told);
        Order { negative, precharge, positive }
    }
    /// Whether each contactor is closed, in the order of [`CONTACTORS`].
    pub(crate) fn closed(&self) -> [bool; 3] {
        self.switches.map(|switch| switch.closed)
    }
    /// Whether current can flow: both lines are closed and the fuse is whole.
    pub(crate) fn conducts(&self) -> bool {
        self.switches[0].closed && self.switches[2].closed && !self.fuse.blown
    }
    /// Whether the bus can be charged from it.
    pub(crate) fn charges_bus(&self) -> bool {
        self.switches[0].closed
            && (self.switches[1].closed || self.switches[2].closed)
            && !self.fuse.blown
    }
    /// Whether a contactor is not where it was told to be.
    pub(crate) fn disobeys(&self) -> bool {
        self.switches.iter().any(|switch| switch.closed != switch.told)
    }
    pub(crate) fn fuse_is_whole(&self) -> bool {
        !self.fuse.blown
    }
    /// Whether it has dropped out.
    pub(crate) fn has_dropped(&self) -> bool {
        self.dropped
    }
    /// Whether one of its contactors is slow.
    pub(crate) fn is_slow(&self) -> bool {
        self.switches.iter().any(|switch| switch.fault == ContactorFault::Slow)
    }

    /// Tells the contactors what to do; `moved` hears of each that moves. What has dropped out is not
    /// told anything.
    pub(crate) fn tell(&mut self, order: Order, moved: &mut dyn FnMut(Contactor, bool)) {
        let order = if self.dropped { Order::OPEN } else { order };
        for (switch, contactor) in self.switches.iter_mut().zip(CONTACTORS) {
            switch.told = order.of(contactor);
            if switch.move_as_told() {
                moved(contactor, switch.closed);
            }
        }
    }

    /// Gives a contactor a fault or takes it away; one that was repaired does what it was told.
    pub(crate) fn set_fault(
        &mut self,
        contactor: Contactor,
        fault: ContactorFault,
        moved: &mut dyn FnMut(Contactor, bool),
    ) {
        let switch = &mut self.switches[contactor as usize];
        switch.fault = fault;
        if switch.move_as_told() {
            moved(contactor, switch.closed);
        }
    }

    /// One tick of slow contactors: those that have been late for long enough move.
    pub(crate) fn wait_for_slow(&mut self, moved: &mut dyn FnMut(Contactor, bool)) {
        for (switch, contactor) in self.switches.iter_mut().zip(CONTACTORS) {
            let late = switch.closed != switch.told;
            switch.late_ticks += u32::from(late && switch.fault == ContactorFault::Slow);
            if late && switch.move_as_told() {
                moved(contactor, switch.closed);
            }
        }
    }

    /// Opens every contactor by itself and keeps it so, a welded one too; or lets them close again when
    /// they are told.
    pub(crate) fn drop_out(&mut self, dropped: bool, moved: &mut dyn FnMut(Contactor, bool)) {
        self.dropped = dropped;
        if !dropped {
            return;
        }
        for (switch, contactor) in self.switches.iter_mut().zip(CONTACTORS) {
            switch.told = false;
            if std::mem::take(&mut switch.closed) {
                moved(contactor, false);
            }
        }
    }

    /// Blows the fuse, or puts a new one in.
    pub(crate) fn set_fuse(&mut self, blown: bool) {
        self.fuse = Fuse { blown, heat_a2s: 0.0 };
    }

    /// One tick of the current `current_a` through the fuse; whether it blew.
    pub(crate) fn heat_fuse(&mut self, spec: &SequenceSpec, current_a: f64) -> bool {
        let fuse = &mut self.fuse;
        if fuse.blown || !spec.fuse_a.is_finite() {
            return false;
        }
        let beyond_a2 = current_a * current_a - spec.fuse_a * spec.fuse_a;
        fuse.heat_a2s = (fuse.heat_a2s + beyond_a2 * TICK_S).max(0.0);
        fuse.blown = fuse.heat_a2s >= spec.fuse_i2t;
        fuse.blown
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for switch in self.switches {
            sink(&[switch.told.into(), switch.closed.into(), switch.fault as u8]);
            sink(&switch.late_ticks.to_le_bytes());
        }
        sink(&[self.dropped.into()]);
        sink(&[self.fuse.blown.into(), self.enabled.into(), self.takes_part.into()]);
        sink(&self.fuse.heat_a2s.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(gear: &mut Switchgear, order: Order) -> Vec<(Contactor, bool)> {
        let mut moves = Vec::new();
        gear.tell(order, &mut |contactor, closed| moves.push((contactor, closed)));
        moves
    }

    #[test]
    fn contactors_do_what_they_are_told_and_say_that_they_moved() {
        let mut gear = Switchgear::new(false);
        assert_eq!(tell(&mut gear, Order::NEGATIVE), [(Contactor::Negative, true)]);
        assert_eq!(tell(&mut gear, Order::PRECHARGE), [(Contactor::Precharge, true)]);
        assert!(gear.charges_bus() && !gear.conducts());
        assert_eq!(tell(&mut gear, Order::JOINED), [(Contactor::Positive, true)]);
        assert_eq!(tell(&mut gear, Order::CLOSED), [(Contactor::Precharge, false)]);
        assert!(gear.conducts() && !gear.disobeys());
        assert!(tell(&mut gear, Order::CLOSED).is_empty());
    }

    #[test]
    fn a_welded_contactor_is_found_when_it_is_told_to_open_and_does_not_close_the_circuit_alone() {
        let mut gear = Switchgear::new(true);
        gear.set_fault(Contactor::Positive, ContactorFault::Welded, &mut |_, _| unreachable!());
        assert!(!gear.disobeys(), "nobody can know yet");
        assert_eq!(tell(&mut gear, Order::OPEN), [(Contactor::Negative, false)]);
        assert!(gear.disobeys() && !gear.conducts());
        let mut moves = Vec::new();
        let mut moved = |contactor, closed| moves.push((contactor, closed));
        gear.set_fault(Contactor::Positive, ContactorFault::None, &mut moved);
        assert_eq!(moves, [(Contactor::Positive, false)], "a new one opens");
        assert!(!gear.disobeys());
    }

    #[test]
    fn a_stuck_contactor_is_found_when_it_is_told_to_close() {
        let mut gear = Switchgear::new(true);
        gear.set_fault(Contactor::Negative, ContactorFault::Stuck, &mut |_, _| unreachable!());
        assert!(gear.conducts(), "it is closed, and stays so until it is opened");
        tell(&mut gear, Order::OPEN);
        assert!(!gear.disobeys());
        tell(&mut gear, Order::NEGATIVE);
        assert!(gear.disobeys());
    }

    #[test]
    fn a_fuse_blows_at_its_i2t_beyond_the_rating_and_cools_below_it() {
        let spec = SequenceSpec { fuse_a: 100.0, fuse_i2t: 30_000.0, ..SequenceSpec::default() };
        let mut gear = Switchgear::new(true);
        for _ in 0..10_000 {
            assert!(!gear.heat_fuse(&spec, -100.0), "the rating it carries for ever");
        }
        // 200 A are 30,000 A2 beyond: it takes one second.
        let ticks = (1..100).find(|_| gear.heat_fuse(&spec, -200.0));
        assert_eq!(ticks, Some(10));
        assert!(!gear.conducts() && !gear.fuse_is_whole());
        gear.set_fuse(false);
        for _ in 0..100 {
            // Half a second beyond warms it by 15,000 A2s, and 1.5 s at rest cool it again.
            assert!((0..5).all(|_| !gear.heat_fuse(&spec, 200.0)));
            assert!((0..15).all(|_| !gear.heat_fuse(&spec, 0.0)));
        }
        assert!(gear.conducts());
    }
}

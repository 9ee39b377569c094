//! Heat through a chain of nodes, each joined to the next: one implicit step.
//!
//! Thin metal skins exchange their heat within a fraction of a tick, so an explicit step would blow
//! up. The backward Euler step solves (C/dt + G) T' = C/dt T + P for the new temperatures. Its matrix
//! is diagonally dominant, so T' is a weighted mean of the old temperatures and of ambient, plus
//! what the sources add: stable for any step and any C > 0, G >= 0. Flows are those at T', so what
//! flows in is what is stored, to rounding.

/// Most nodes of a chain: three of a wall, air and coolant.
pub(super) const NODES_MAX: usize = 5;

/// One node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    /// Heat capacity in J/K, > 0.
    pub(super) j_per_k: f64,
    /// Conductance to the node before, in W/K, >= 0; of the first node to ambient.
    pub(super) before_w_per_k: f64,
    /// Heat that goes into it whatever its temperature, in W.
    pub(super) source_w: f64,
}

/// Steps the temperatures `degc` of `nodes` over `tick_s`; the first node exchanges with
/// `ambient_degc`. Returns the heat that flows from ambient into it, in watts.
pub(super) fn step(nodes: &[Node], degc: &mut [f64], ambient_degc: f64, tick_s: f64) -> f64 {
    let n = nodes.len();
    // Relative to ambient: then the chain has no other neighbour, and digits are kept.
    let mut right = [0.0; NODES_MAX];
    let mut diagonal = [0.0; NODES_MAX];
    for i in 0..n {
        let capacity = nodes[i].j_per_k / tick_s;
        let after = nodes.get(i + 1).map_or(0.0, |next| next.before_w_per_k);
        diagonal[i] = capacity + nodes[i].before_w_per_k + after;
        right[i] = capacity * (degc[i] - ambient_degc) + nodes[i].source_w;
    }
    // Elimination without pivots: the matrix is symmetric and diagonally dominant.
    for i in 1..n {
        let joined = nodes[i].before_w_per_k;
        let share = joined / diagonal[i - 1];
        diagonal[i] -= share * joined;
        right[i] += share * right[i - 1];
    }
    let mut above_k = 0.0;
    for i in (0..n).rev() {
        let after = nodes.get(i + 1).map_or(0.0, |next| next.before_w_per_k);
        above_k = (right[i] + after * above_k) / diagonal[i];
        degc[i] = ambient_degc + above_k;
    }
    -nodes[0].before_w_per_k * above_k
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::math;
    use proptest::prelude::*;

    #[test]
    fn one_node_relaxes_to_ambient_with_its_time_constant() {
        let node = Node { j_per_k: 1_000.0, before_w_per_k: 10.0, source_w: 0.0 };
        let mut degc = [30.0];
        for _ in 0..1_000 {
            let _ = step(&[node], &mut degc, 20.0, 0.1);
        }
        // 100 s of a time constant of 100 s; the implicit step errs by tau/2 of a tick.
        assert!((degc[0] - 20.0 - 10.0 * math::exp(-1.0)).abs() < 2e-3, "{degc:?}");
    }

    #[test]
    fn the_steady_chain_divides_the_difference_by_its_resistances() {
        let node = |before_w_per_k, source_w| Node { j_per_k: 1.0, before_w_per_k, source_w };
        let nodes = [node(10.0, 0.0), node(5.0, 0.0), node(2.0, 100.0)];
        let mut degc = [0.0; 3];
        let mut out_w = 0.0;
        for _ in 0..10_000 {
            out_w = -step(&nodes, &mut degc, 0.0, 0.1);
        }
        for (found, expected) in degc.into_iter().zip([10.0, 30.0, 80.0]) {
            assert!((found - expected).abs() < 1e-9, "{degc:?}");
        }
        assert!((out_w - 100.0).abs() < 1e-9, "{out_w}");
    }

    fn ten_to(x: f64) -> f64 {
        math::exp(x * std::f64::consts::LN_10)
    }
    fn nodes() -> impl Strategy<Value = Vec<Node>> {
        // From a square centimetre of foil to a hall full of water, joined by anything.
        let node = (-1.0..9.0f64, -6.0..7.0f64).prop_map(|(capacity, conductance)| Node {
            j_per_k: ten_to(capacity),
            before_w_per_k: ten_to(conductance),
            source_w: 0.0,
        });
        proptest::collection::vec(node, 1..=NODES_MAX)
    }

    proptest! {
        #[test]
        fn no_node_ever_leaves_the_range_of_what_is_around(
            nodes in nodes(), start in proptest::array::uniform5(-60.0..80.0f64),
            ambient_degc in -60.0..80.0f64, tick_s in 0.01..100.0f64,
        ) {
            let mut degc = start[..nodes.len()].to_vec();
            for _ in 0..50 {
                let low = degc.iter().copied().fold(ambient_degc, f64::min) - 1e-9;
                let high = degc.iter().copied().fold(ambient_degc, f64::max) + 1e-9;
                let _ = step(&nodes, &mut degc, ambient_degc, tick_s);
                prop_assert!(degc.iter().all(|t| *t >= low && *t <= high), "{degc:?}");
            }
        }

        #[test]
        fn what_flows_in_is_what_is_stored(
            nodes in nodes(), start in proptest::array::uniform5(-60.0..80.0f64),
            sources in proptest::array::uniform5(-1e5..1e5f64), ambient_degc in -60.0..80.0f64,
        ) {
            let mut nodes = nodes;
            nodes.iter_mut().zip(sources).for_each(|(node, source_w)| node.source_w = source_w);
            let mut degc = start[..nodes.len()].to_vec();
            let before = degc.clone();
            let in_w = step(&nodes, &mut degc, ambient_degc, 0.1);
            let mut in_j = in_w * 0.1;
            let (mut stored_j, mut size_j) = (0.0, in_j.abs());
            for (i, node) in nodes.iter().enumerate() {
                in_j += node.source_w * 0.1;
                stored_j += node.j_per_k * (degc[i] - before[i]);
                // What rounding acts on: every node's heat, and what it passes on.
                size_j += node.j_per_k * (degc[i].abs() + before[i].abs());
                size_j += 0.1 * node.before_w_per_k * (degc[i].abs() + ambient_degc.abs());
            }
            prop_assert!((in_j - stored_j).abs() <= 1e-12 * size_j, "{in_j} {stored_j} {size_j}");
        }
    }
}

//! Forms of values: what is written decodes to the nearest step, for every type and order.

use super::bench::{Bench, map};
use crate::map::encoding::Value;
use crate::map::user::codec::{Order, OwnCodec};
use crate::map::user::number::{Kind, Number, Scale, Vocabulary};
use proptest::prelude::*;

fn number(kind: Kind, width: u32) -> Number {
    Number { kind, wraps: false, ..Number::bits(width) }
}

const KINDS: [(Kind, u32); 11] = [
    (Kind::Unsigned, 8),
    (Kind::Unsigned, 16),
    (Kind::Signed, 16),
    (Kind::Unsigned, 32),
    (Kind::Signed, 32),
    (Kind::Unsigned, 64),
    (Kind::Signed, 64),
    (Kind::Float, 32),
    (Kind::Float, 64),
    (Kind::Bcd, 16),
    (Kind::Bcd, 32),
];

fn any_number() -> impl Strategy<Value = Number> {
    let scales = prop_oneof![
        Just(1.0),
        Just(-1.0),
        Just(0.1),
        Just(0.01),
        Just(10.0),
        Just(-0.001),
        Just(3.0),
        Just(0.3),
        Just(-2.5),
        Just(1.0 / 7.0),
    ];
    let offsets = prop_oneof![Just(0.0), Just(-40.0), Just(273.15)];
    (proptest::sample::select(&KINDS[..]), scales, offsets, any::<bool>()).prop_map(
        |((kind, width), scale, offset, has_extreme)| {
            let missing = has_extreme.then(|| Number::extreme(kind, width));
            Number { scale: Scale::new(scale, offset), missing, ..number(kind, width) }
        },
    )
}

fn any_order(registers: usize) -> impl Strategy<Value = Order> {
    let words: Vec<u8> = (0..registers as u8).collect();
    prop_oneof![
        (any::<bool>(), any::<bool>())
            .prop_map(move |(low, swap)| Order::new(registers, low, swap)),
        Just(words).prop_shuffle().prop_map(Order::of_words),
    ]
}

proptest! {
    #[test]
    fn what_is_written_decodes_to_the_nearest_step(
        (number, order) in any_number().prop_flat_map(|number| {
            let registers = number.width.div_ceil(16) as usize;
            (Just(number), any_order(registers))
        }),
        share in -1.2..1.2f64,
    ) {
        let (low, high) = number.range();
        let (low, high) = (low as f64, high as f64);
        // Floats are exact over a smaller range than they have.
        let reach = if number.kind == Kind::Float { 1e6 } else { high.min(1e15) };
        let raw = if low < 0.0 { share * reach } else { share.abs() * reach };
        let value = number.scale.offset() + raw * number.scale.step();
        let codec = OwnCodec::number(number.clone(), order, "x");
        let mut words = vec![0xAAAA; usize::from(codec.registers())];
        codec.encode(Value::Number(value), &mut words);
        let back = codec.decode(&words).expect("a number is not \"not available\"");
        let step = number.scale.step().abs();
        let fitting = raw.clamp(low, high);
        let nearest = number.scale.offset() + fitting * number.scale.step();
        let slack = match (number.kind, number.width) {
            (Kind::Float, 32) => 1e-6 * nearest.abs().max(reach * step),
            (Kind::Float, _) => 1e-9 * nearest.abs().max(1.0),
            // One more where the nearest word says "not available".
            _ => (0.5 + f64::from(u8::from(number.missing.is_some()))) * step
                + 1e-9 * nearest.abs(),
        };
        prop_assert!((back - nearest).abs() <= slack, "{value} reads as {back}, not {nearest}");
        // What was decoded is written as the same words.
        let mut again = words.clone();
        codec.encode(Value::Number(back), &mut again);
        if number.kind != Kind::Float && number.width <= 32 {
            prop_assert_eq!(again, words);
        }
    }

    #[test]
    fn every_order_holds_every_bit(
        (order, n) in prop_oneof![Just(1usize), Just(2), Just(4)]
            .prop_flat_map(|n| (any_order(n), Just(n))),
        bits in any::<u64>(),
    ) {
        let width = 16 * n as u32;
        let bits = bits >> (64 - width);
        let codec = OwnCodec::number(Number::bits(width), order, "x");
        let mut words = vec![0; n];
        codec.spread(bits, &mut words);
        prop_assert_eq!(codec.gather(&words), bits);
    }

    #[test]
    fn any_words_decode_without_a_panic(number in any_number(), words in any::<[u16; 4]>()) {
        let registers = number.width.div_ceil(16) as usize;
        let codec = OwnCodec::number(number, Order::new(registers, false, false), "x");
        if let Some(value) = codec.decode(&words[..registers]) {
            prop_assert!(value.is_finite());
        }
    }
}

/// The words of `value` in a register of a map.
#[track_caller]
fn words(body: &str, value: f64) -> Vec<u16> {
    let text = format!("[map]\nname = \"test\"\n[[point]]\naddress = 0\n{body}");
    let mut bench = Bench::new(&map(&text));
    bench.unit().dc.power.0 = value;
    let field = bench.device.layout.fields_of(bess_core::point::Table::Holding).next().unwrap();
    let count = field.codec.registers();
    bench.read(0, count)
}

#[test]
fn orders_of_words_and_bytes_are_as_their_letters_say() {
    let of = |kind: &str, order: &str| {
        words(
            &format!("type = \"{kind}\"\nvalue = \"dc.power\"\nword_order = {order}"),
            16_909_060.0,
        )
    };
    assert_eq!(of("u32", "\"ABCD\""), [0x0102, 0x0304]);
    assert_eq!(of("u32", "\"CDAB\""), [0x0304, 0x0102]);
    assert_eq!(of("u32", "\"BADC\""), [0x0201, 0x0403]);
    assert_eq!(of("u32", "\"DCBA\""), [0x0403, 0x0201]);
    assert_eq!(of("u64", "[3, 2, 1, 0]"), [0x0304, 0x0102, 0, 0]);
    assert_eq!(of("u64", "[2, 3, 0, 1]"), [0x0102, 0x0304, 0, 0]);
    assert_eq!(of("u64", "\"CDAB\""), [0x0304, 0x0102, 0, 0]);
    let swapped = words("type = \"u16\"\nvalue = \"dc.power\"\nword_order = \"BA\"", 258.0);
    assert_eq!(swapped, [0x0201]);
}

#[test]
fn values_are_scaled_shifted_limited_and_cut() {
    for (body, value, shown) in [
        ("type = \"i16\"\nscale = 100\nvalue = \"dc.power\"", -1_234_560.0, vec![0xCFC6]),
        ("type = \"i16\"\nscale = -1\nvalue = \"dc.power\"", 5.0, vec![0xFFFB]),
        ("type = \"u16\"\noffset = -1000\nvalue = \"dc.power\"", 200.0, vec![1_200]),
        (
            "type = \"i16\"\nunit = \"MW\"\nscale = 0.01\nvalue = \"dc.power\"",
            1_230_000.0,
            vec![123],
        ),
        ("type = \"i16\"\nvalue = \"dc.power\"", 1e9, vec![0x7FFF]),
        ("type = \"i16\"\nvalue = \"dc.power\"", -1e9, vec![0x8000]),
        ("type = \"i16\"\nvalue = \"dc.power\"\nnan = 0x8000", -1e9, vec![0x8001]),
        ("type = \"u16\"\nvalue = \"dc.power\"\nnan = \"extreme\"", 1e9, vec![0xFFFE]),
        ("type = \"u16\"\nvalue = \"dc.power\"\nsaturate = false", 65_541.0, vec![5]),
        ("type = \"i16\"\nvalue = \"dc.power\"\nlimits = [-100, 100]", 500.0, vec![100]),
        ("type = \"u16\"\nvalue = \"dc.power\"\nmagnitude = true", -7.0, vec![7]),
        ("type = \"u16\"\nvalue = \"dc.power\"", -7.0, vec![0]),
        ("type = \"bcd16\"\nvalue = \"dc.power\"", 1_234.0, vec![0x1234]),
        ("type = \"bcd32\"\nvalue = \"dc.power\"", 12_345_678.0, vec![0x1234, 0x5678]),
        ("type = \"bcd16\"\nvalue = \"dc.power\"", 12_345.0, vec![0x9999]),
        ("type = \"bcd16\"\nvalue = \"dc.power\"\nsaturate = false", 12_345.0, vec![0x2345]),
        ("type = \"f32\"\nvalue = \"dc.power\"", 1.5, vec![0x3FC0, 0]),
        ("type = \"f64\"\nvalue = \"dc.power\"", 1.5, vec![0x3FF8, 0, 0, 0]),
        ("type = \"i32\"\nvalue = \"dc.power\"\nnan = 0x80000000", f64::NAN, vec![0x8000, 0]),
        ("type = \"f32\"\nvalue = \"dc.power\"", f64::NAN, vec![0x7FC0, 0]),
        ("type = \"u16\"\nvalue = \"dc.power\"", f64::NAN, vec![0]),
        ("type = \"ip\"\nconst = \"192.0.2.7\"", 0.0, vec![0xC000, 0x0207]),
        ("type = \"i16\"\nconst = -2", 0.0, vec![0xFFFE]),
        ("type = \"f32\"\nconst = 0.25", 0.0, vec![0x3E80, 0]),
        ("type = \"u16\"\nvalue = \"none\"\nnan = 0xFFFF", 0.0, vec![0xFFFF]),
    ] {
        assert_eq!(words(body, value), shown, "{body}");
    }
}

#[test]
fn units_of_the_file_are_those_of_the_point() {
    let of = |body: &str| {
        let text = format!("[map]\nname = \"t\"\n[[point]]\naddress = 0\ntype = \"i16\"\n{body}");
        Bench::new(&map(&text)).read(0, 1)
    };
    assert_eq!(of("unit = \"K\"\nvalue = \"cell.temperature_mean\"\nscale = 0.1"), [2_982]);
    assert_eq!(of("unit = \"degF\"\nvalue = \"cell.temperature_mean\""), [77]);
    assert_eq!(of("unit = \"1\"\nscale = 0.001\nvalue = \"battery.soc\""), [635]);
    assert_eq!(of("unit = \"mV\"\nvalue = \"cell.voltage_max\""), [3_312]);
    assert_eq!(of("unit = \"kWh\"\nvalue = \"battery.energy\""), [3_000]);
    assert_eq!(of("unit = \"%/min\"\nvalue = \"control.ramp\""), [6_000]);
}

#[test]
fn texts_are_filled_and_their_bytes_swapped() {
    let of = |body: &str, count| {
        let text = format!("[map]\nname = \"t\"\n[[text]]\naddress = 0\nlength = 3\n{body}");
        Bench::new(&map(&text)).read(0, count)
    };
    assert_eq!(of("const = \"abc\"", 3), [0x6162, 0x6300, 0]);
    assert_eq!(of("const = \"abc\"\npad = \"space\"", 3), [0x6162, 0x6320, 0x2020]);
    assert_eq!(of("const = \"abc\"\norder = \"BA\"", 3), [0x6261, 0x0063, 0]);
    assert_eq!(of("value = \"device.serial\"", 3), [0x756E, 0x6974, 0x2D30], "unit-001 is cut");
}

#[test]
fn named_values_have_the_numbers_of_the_vendor() {
    let vocabulary = Vocabulary { words: vec![(0, vec![7]), (2, vec![5, 6])], otherwise: Some(9) };
    let number = Number { vocabulary: Some(vocabulary), ..number(Kind::Unsigned, 16) };
    assert_eq!([0, 1, 2].map(|value| number.show(Value::Raw(value))), [7, 9, 5]);
    assert_eq!([5, 6, 7, 9].map(|bits| number.read(bits)), [Some(2.0), Some(2.0), Some(0.0), None]);
}

//! `docs/register-maps.md` against the reader of map files: every key is named, every complete example is
//! a good map.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[expect(dead_code, reason = "other pages use the rest of it")]
#[path = "../../core/tests/pages/mod.rs"]
mod pages;

use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_protocol::map::user::{SHIPPED, parse_map};

const PAGE: &str = include_str!("../../docs/register-maps.md");

const SOURCES: [&str; 11] = [
    include_str!("../src/map/user/read/mod.rs"),
    include_str!("../src/map/user/read/head.rs"),
    include_str!("../src/map/user/read/place.rs"),
    include_str!("../src/map/user/read/value.rs"),
    include_str!("../src/map/user/read/number.rs"),
    include_str!("../src/map/user/read/point.rs"),
    include_str!("../src/map/user/read/written.rs"),
    include_str!("../src/map/user/read/part.rs"),
    include_str!("../src/map/user/read/text.rs"),
    include_str!("../src/map/user/read/blocks.rs"),
    include_str!("../src/map/user/read/watchdog.rs"),
];

/// Texts in quotes that are no keys and no values of the file.
const NOT_KEYS: [&str; 4] = ["toml", "exception-", "no", "yes"];

#[test]
fn the_page_names_every_key_of_a_map() {
    pages::assert_no_key_is_forgotten(PAGE, &SOURCES, &NOT_KEYS);
}

#[test]
fn complete_examples_are_good_maps_of_the_built_in_farm() {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| Err(String::new())).unwrap();
    let examples = pages::blocks(PAGE).into_iter().filter(|(kind, _)| *kind == "toml complete");
    let mut n = 0;
    for (_, text) in examples {
        let map = parse_map("example", text, &|_| Err(String::new()));
        map.unwrap_or_else(|p| panic!("{p}")).check(&spec).unwrap_or_else(|p| panic!("{p}"));
        n += 1;
    }
    assert!(n > 0, "the page has an example");
}

#[test]
fn the_page_lists_every_built_in_map() {
    for (name, _) in SHIPPED {
        assert!(PAGE.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}

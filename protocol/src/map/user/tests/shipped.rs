use super::bench::{Bench, built_in};
use crate::map::user::SHIPPED;
use crate::testing;
#[test]
fn every_built_in_map_fits_the_built_in_farm() {
    let spec = testing::snapshot().spec;
    for (name, _) in SHIPPED {
        let map = built_in(name);
        assert_eq!(map.name(), *name);
        map.check(&spec).unwrap_or_else(|problems| panic!("{problems}"));
        let _ = Bench::new(&map);
    }
}

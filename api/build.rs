//! Lists the runbooks of `docs/runbooks`, which the binary carries, for `src/routes/runbooks.rs`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../docs/runbooks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages = Vec::new();
    for file in std::fs::read_dir(&folder)? {
        let path = file?.path().canonicalize()?;
        if path.extension().is_some_and(|extension| extension == "md")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            pages.push(format!("({name:?}, include_str!({path:?})),\n"));
        }
    }
    pages.sort();
    let list = format!("&[\n{}]\n", pages.concat());
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("runbooks.rs"), list)?;
    Ok(())
}

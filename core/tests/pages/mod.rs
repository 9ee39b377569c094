//! What the tests of the documentation's pages share: the keys that sources ask for, the words that a
//! page names in backticks, and its TOML blocks.

use std::collections::BTreeSet;

/// Every text in quotes of `source` that has the form of a key (`a_to_z_0_9`), without its comments and
/// its unit tests.
///
/// Getters take their keys in many ways: directly, through closures, as constants. A text of that form
/// is a key or a choice, or is named as neither by the test, which is easier to keep true than a list
/// of getters.
pub(crate) fn quoted_keys(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    texts_in_quotes(code).into_iter().filter(|text| is_key(text)).collect()
}

fn is_key(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}

/// The texts in quotes of Rust code, comments left out.
fn texts_in_quotes(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let found = &rest[at..];
        if found.starts_with("//") {
            rest = found.find('\n').map_or("", |end| &found[end..]);
        } else if let Some(after) = found.strip_prefix("'\"'") {
            rest = after;
        } else if let Some(body) = found.strip_prefix('"') {
            let mut escaped = false;
            let end = body.find(|c: char| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            });
            let end = end.expect("a text ends");
            texts.push(body[..end].to_owned());
            rest = &body[end + 1..];
        } else {
            rest = &found[1..];
        }
    }
    texts
}

/// Every word that `page` names in backticks, its blocks left out.
pub(crate) fn named_words(page: &str) -> BTreeSet<String> {
    let text: String = page.split("```").step_by(2).collect();
    let words = |span: &str| {
        span.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    text.split('`').skip(1).step_by(2).flat_map(words).collect()
}

/// Fails where a key of `sources` is not named in `page`, or where one of `not_keys` is none of the
/// texts in quotes any more.
pub(crate) fn assert_no_key_is_forgotten(
    page: &str,
    sources: &[&str],
    not_keys: &[&str],
) -> BTreeSet<String> {
    let mut keys: BTreeSet<String> =
        sources.iter().flat_map(|source| quoted_keys(source)).collect();
    for word in not_keys {
        assert!(keys.remove(*word), "{word} is not in the sources any more");
    }
    let named = named_words(page);
    let forgotten: Vec<&String> = keys.difference(&named).collect();
    assert!(forgotten.is_empty(), "the page does not name {forgotten:?} in backticks");
    keys
}

/// The blocks of `page` with what stands behind the three backticks, such as `toml complete`.
pub(crate) fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// A table of a TOML text: its header (empty before the first) and its lines.
pub(crate) type Table = (String, Vec<String>);

/// The tables of `text`, in order.
pub(crate) fn tables(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = vec![(String::new(), Vec::new())];
    for line in text.lines() {
        if line.starts_with('[') {
            let header = line.split('#').next().unwrap().trim();
            tables.push((header.to_owned(), Vec::new()));
        } else {
            tables.last_mut().unwrap().1.push(line.to_owned());
        }
    }
    tables
}

/// `tables` as text.
pub(crate) fn written(tables: &[Table]) -> String {
    let table = |(header, lines): &Table| format!("{header}\n{}\n", lines.join("\n"));
    tables.iter().map(table).collect()
}

#[test]
fn keys_and_words_are_found_where_they_are() {
    let source =
        "f(\"one_a\", \"Not this\"); // \"nor_this\"\ng('\"', \"mid\", \"a \\\"b\\\" \nc\", \"two\");
#[cfg(test)]\nmod tests {\n\"nor_that\"";
    assert_eq!(quoted_keys(source).into_iter().collect::<Vec<_>>(), ["mid", "one_a", "two"]);
    let words = named_words("see `kind = \"air\"`\n```toml\nblock = 1\n```\nand `two`, not three");
    assert!(["kind", "air", "two"].iter().all(|word| words.contains(*word)), "{words:?}");
    assert!(!words.contains("three") && !words.contains("block"));
}

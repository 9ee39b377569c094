//! The tokens that a farm knows: who holds each, what they may do, and the hash that it is known by.
//!
//! A token is 256 bits from the system's generator, so its plain SHA-256 tells nothing of it: there are
//! no words to try, which is what salts and slow hashes are for. Whoever reads the file or the variable
//! gets in nowhere.

use bess_core::command::Bearer;
use bess_core::config::{Problem, Problems, Section, did_you_mean, read_document};
use bess_core::net::PeerNet;
use bess_core::role::Role;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::ops::Range;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// What every token begins with, so that people and scanners for secrets know one when they see it.
pub const TOKEN_PREFIX: &str = "bess_";

/// Most characters of a token's name.
const NAME_MAX: usize = 64;
/// More than any token has; longer texts are refused unread.
const TOKEN_MAX: usize = 512;

/// The SHA-256 of a token.
type Hash = [u8; 32];

/// One token, as the farm knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Who it is given to.
    pub bearer: Bearer,
    /// The instant from which on it is refused.
    pub expires: Option<Timestamp>,
    /// Networks that it may be used from; empty for all.
    pub networks: Vec<PeerNet>,
    hash: Hash,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied<'t> {
    /// Nobody has it.
    Unknown,
    /// Its time is over.
    Expired(&'t Token),
    /// It is not for where it came from.
    Network(&'t Token),
}

/// All tokens of a farm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBook(Vec<Token>);

impl Token {
    /// The `[[tokens]]` table that makes `token` known; names are as [`TokenBook::parse`] takes them.
    pub fn entry(
        bearer: &Bearer,
        token: &str,
        expires: Option<&str>,
        networks: &[PeerNet],
    ) -> String {
        let Bearer { name, role } = bearer;
        let hash = hex(&Sha256::digest(token));
        let mut text = format!(
            "[[tokens]]\nname = \"{name}\"\nrole = \"{}\"\nsha256 = \"{hash}\"\n",
            role.name()
        );
        if let Some(expires) = expires {
            text += &format!("expires = \"{expires}\"\n");
        }
        if !networks.is_empty() {
            let networks: Vec<String> = networks.iter().map(|net| format!("\"{net}\"")).collect();
            text += &format!("networks = [{}]\n", networks.join(", "));
        }
        text
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn read(table: &Section<'_, '_>) -> Self {
        let name = table.text("name");
        if !name.is_empty() && !is_name(&name) {
            let message = format!("`{}` is no name of a token: \"{name}\"", table.name("name"));
            table.report(table.span_of("name"), message, Some(NAME_HINT.to_owned()));
        }
        let role_text = table.text("role");
        let role = Role::by_name(&role_text);
        if role.is_none() && !role_text.is_empty() {
            let names = Role::ALL.map(|(name, _)| name);
            let message = format!(
                "`{}` must be one of {}, got \"{role_text}\"",
                table.name("role"),
                names.join(", ")
            );
            table.report(table.span_of("role"), message, did_you_mean(&role_text, &names));
        }
        let hash_text = table.text("sha256");
        let hash = hash_of_text(&hash_text);
        if hash.is_none() && !hash_text.is_empty() {
            // What stands there may be the token itself: it is not repeated.
            let message = format!("`{}` must be 64 hexadecimal digits", table.name("sha256"));
            table.report(table.span_of("sha256"), message, Some(HASH_HINT.to_owned()));
        }
        let mut expires = None;
        if table.has("expires") {
            let text = table.text("expires");
            expires = instant(&text);
            if expires.is_none() && !text.is_empty() {
                let message = format!(
                    "`{}` must be a day or an instant, got \"{text}\"",
                    table.name("expires")
                );
                let hint = "such as \"2027-01-31\" (its begin, UTC) or \"2027-01-31T12:00:00Z\"";
                table.report(table.span_of("expires"), message, Some(hint.to_owned()));
            }
        }
        let mut networks = Vec::new();
        for text in table.texts("networks") {
            match text.parse::<PeerNet>() {
                Ok(network) => networks.push(network),
                Err(error) => table.report(table.span_of("networks"), error.to_string(), None),
            }
        }
        Self {
            bearer: Bearer { name, role: role.unwrap_or_default() },
            expires,
            networks,
            hash: hash.unwrap_or_default(),
        }
    }
}

const NAME_HINT: &str = "a name has 1 to 64 letters, digits, `-`, `_` and `.`";
const HASH_HINT: &str = "the file holds the SHA-256 of a token, never the token: `bess token new` prints both, \
     and `printf %s TOKEN | sha256sum` the hash";

impl TokenBook {
    /// Reads a token file: tables `[[tokens]]` with `name`, `role` and `sha256`, and where they are wished
    /// `expires` and `networks`. `file` is its name for messages.
    ///
    /// # Errors
    /// All problems of the text; what could be a token is not shown in them.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let read = read_document(file, text, |root| {
            let mut book = Self::default();
            for table in root.sections("tokens") {
                let token = Token::read(&table);
                if root.is_clean() {
                    book.report_doubles(&table, &token);
                }
                book.0.push(token);
                table.finish();
            }
            if book.0.is_empty() && root.is_clean() {
                let message = "there are no tokens in the file: nobody could use the API";
                let hint = "`bess token new --name NAME --role ROLE` makes one";
                root.report(0..0, message.to_owned(), Some(hint.to_owned()));
            }
            book
        });
        read.map_err(|mut problems| {
            for problem in &mut problems.0 {
                hide_tokens(problem);
            }
            problems
        })
    }

    fn report_doubles(&self, table: &Section<'_, '_>, token: &Token) {
        if self.0.iter().any(|other| other.bearer.name == token.bearer.name) {
            let message = format!("there is another token \"{}\"", token.bearer.name);
            let hint = "each token has a name of its own: it stands in the audit";
            table.report(table.span_of("name"), message, Some(hint.to_owned()));
        }
        if let Some(other) = self.0.iter().find(|other| other.hash == token.hash) {
            let message = format!("this is the token of \"{}\"", other.bearer.name);
            table.report(table.span_of("sha256"), message, Some("make a new one".to_owned()));
        }
    }

    /// Reads a list such as `ems-1:operator:SHA256, board:viewer:SHA256`, separated by commas or blanks.
    ///
    /// # Errors
    /// All problems of the list; what could be a token is not shown in them.
    pub fn parse_list(source: &str, text: &str) -> Result<Self, Problems> {
        let mut book = Self::default();
        let mut problems = Vec::new();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        for (index, entry) in entries.filter(|entry| !entry.is_empty()).enumerate() {
            let mut refuse = |what: String, hint: Option<&str>| {
                let message = format!("token {} of the list {what}", index + 1);
                problems.push(Problem::without_place(source, message, hint.map(str::to_owned)));
            };
            let parts: Vec<&str> = entry.split(':').collect();
            let &[name, role, hash] = parts.as_slice() else {
                refuse("is not NAME:ROLE:SHA256".to_owned(), None);
                continue;
            };
            let read_role = Role::by_name(role);
            let read_hash = hash_of_text(hash);
            if !is_name(name) {
                refuse("has no name that can be used".to_owned(), Some(NAME_HINT));
            }
            if read_role.is_none() {
                let names = Role::ALL.map(|(name, _)| name).join(", ");
                refuse(format!("has a role that is none of {names}"), None);
            }
            if read_hash.is_none() {
                refuse("has no SHA-256 of 64 hexadecimal digits".to_owned(), Some(HASH_HINT));
            }
            let (Some(role), Some(hash), true) = (read_role, read_hash, is_name(name)) else {
                continue;
            };
            let bearer = Bearer { name: name.to_owned(), role };
            book.0.push(Token { bearer, expires: None, networks: Vec::new(), hash });
        }
        if book.0.is_empty() && problems.is_empty() {
            problems.push(Problem::without_place(source, "there are no tokens in the list", None));
        }
        if problems.is_empty() {
            Self::default().joined(source, book)
        } else {
            Err(Problems(problems))
        }
    }

    /// Both together; `source` is where `other` is from, for messages.
    ///
    /// # Errors
    /// Every name and every token that is there twice.
    pub fn joined(mut self, source: &str, other: Self) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        for token in other.0 {
            let name = &token.bearer.name;
            if self.0.iter().any(|known| known.bearer.name == *name) {
                let message = format!("there is another token \"{name}\"");
                problems.push(Problem::without_place(source, message, None));
            } else if let Some(known) = self.0.iter().find(|known| known.hash == token.hash) {
                let message = format!("\"{name}\" is the token of \"{}\"", known.bearer.name);
                problems.push(Problem::without_place(source, message, None));
            }
            self.0.push(token);
        }
        if problems.is_empty() { Ok(self) } else { Err(Problems(problems)) }
    }

    /// Its tokens in the order of the file.
    pub fn tokens(&self) -> &[Token] {
        &self.0
    }

    /// Whose `token` is, for a client at `peer`. Every token is compared, each in the same time, so that
    /// nothing of a hash can be read from how long a refusal takes.
    pub(crate) fn find(
        &self,
        token: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<&Token, Denied<'_>> {
        if token.len() > TOKEN_MAX {
            return Err(Denied::Unknown);
        }
        let hash: Hash = Sha256::digest(token).into();
        let mut found = u32::MAX;
        for (index, known) in self.0.iter().enumerate() {
            found.conditional_assign(&(index as u32), known.hash.ct_eq(&hash));
        }
        let token = self.0.get(found as usize).ok_or(Denied::Unknown)?;
        if token.is_expired(now) {
            return Err(Denied::Expired(token));
        }
        let is_near = |net: &PeerNet| peer.is_some_and(|peer| net.contains(peer));
        if !token.networks.is_empty() && !token.networks.iter().any(is_near) {
            return Err(Denied::Network(token));
        }
        Ok(token)
    }
}

/// Whether `text` may be the name of a token: what stands in logs, tables and lists as it is.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

/// A day's begin in UTC, or an instant in RFC 3339; `None` for anything else.
pub fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    // Exactly the form of a day: the library would take a time after it, and drop it.
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2027-01-31".len())?;
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_of_text(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}

/// Stars in place of what follows [`TOKEN_PREFIX`] in the line and words of a problem: a token that
/// was put into the file by mistake is not carried into a log.
fn hide_tokens(problem: &mut Problem) {
    for text in [&mut problem.source_line, &mut problem.message] {
        let secrets: Vec<Range<usize>> = text
            .match_indices(TOKEN_PREFIX)
            .map(|(at, prefix)| {
                let from = at + prefix.len();
                let length = text[from..].bytes().take_while(u8::is_ascii_alphanumeric).count();
                from..from + length
            })
            .collect();
        for secret in secrets {
            let stars = "*".repeat(secret.len());
            text.replace_range(secret, &stars);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "bess_one";
    const TWO: &str = "bess_two";

    fn bearer(name: &str, role: Role) -> Bearer {
        Bearer { name: name.to_owned(), role }
    }
    fn at(text: &str) -> Timestamp {
        instant(text).unwrap()
    }
    fn book(text: &str) -> TokenBook {
        TokenBook::parse("tokens.toml", text).unwrap_or_else(|problems| panic!("{problems}"))
    }
    fn problems(text: &str) -> String {
        TokenBook::parse("tokens.toml", text).expect_err("refused").to_string()
    }
    fn two() -> String {
        let one = Token::entry(&bearer("ems-1", Role::Operator), ONE, None, &[]);
        let nets = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let two = Token::entry(&bearer("board", Role::Viewer), TWO, Some("2027-01-31"), &nets);
        format!("# who may\n{one}\n{two}")
    }

    #[test]
    fn an_entry_is_read_as_it_was_made_and_finds_its_token() {
        let book = book(&two());
        let now = at("2027-01-30T23:59:59Z");
        let found = book.find(ONE, None, now).unwrap();
        assert_eq!(found.bearer, bearer("ems-1", Role::Operator));
        let near = Some("10.1.2.3".parse().unwrap());
        assert_eq!(book.find(TWO, near, now).unwrap().bearer.role, Role::Viewer);
        for wrong in ["", "bess_", "bess_One", "bess_one ", "bess_onee", &"x".repeat(10_000)] {
            assert_eq!(book.find(wrong, near, now), Err(Denied::Unknown), "{wrong}");
        }
    }

    #[test]
    fn a_token_ends_at_its_instant_and_is_good_in_its_networks_alone() {
        let book = book(&two());
        let near = Some("::ffff:10.1.2.3".parse().unwrap());
        let end = at("2027-01-31");
        let last = end - jiff::SignedDuration::from_nanos(1);
        assert!(book.find(TWO, near, last).is_ok());
        let token = &book.tokens()[1];
        assert_eq!(book.find(TWO, near, end), Err(Denied::Expired(token)));
        for peer in [Some("11.0.0.1".parse().unwrap()), None] {
            assert_eq!(book.find(TWO, peer, last), Err(Denied::Network(token)));
        }
    }

    #[test]
    fn all_problems_of_a_file_come_at_once_with_their_places() {
        let text = "[[tokens]]
name = \"a b\"
role = \"operater\"
sha256 = \"abc\"
expires = \"tomorrow\"
networks = [\"10.0.0.1/8\"]
colour = 1

[[tokens]]
role = 3
";
        let said = problems(text);
        for part in [
            "tokens.toml:2:8",
            "\"a b\"",
            "did you mean `operator`?",
            "64 hexadecimal digits",
            "2027-01-31T12:00:00Z",
            "did you mean 10.0.0.0/8?",
            "unknown key `colour`",
            "`[tokens[1]]` lacks `name`",
            "`tokens[1].role` must be a text",
            "`[tokens[1]]` lacks `sha256`",
        ] {
            assert!(said.contains(part), "{part:?} is not in:\n{said}");
        }
    }

    #[test]
    fn a_file_without_a_token_and_one_with_doubles_are_refused() {
        for text in ["", "# nobody yet\n", "tokens = []\n"] {
            let said = problems(text);
            assert!(said.contains("no tokens in the file"), "{said}");
        }
        assert!(problems("token = 1\n").contains("unknown key `token`"));
        let twice = two() + &Token::entry(&bearer("ems-1", Role::Viewer), TWO, None, &[]);
        let said = problems(&twice);
        assert!(said.contains("another token \"ems-1\""), "{said}");
        assert!(said.contains("this is the token of \"board\""), "{said}");
    }

    #[test]
    fn a_token_in_the_place_of_its_hash_is_not_shown() {
        let secret = "0123456789abcdef0123456789abcdef";
        let text = format!("[[tokens]]\nname=\"a\"\nrole=\"viewer\"\nsha256=\"bess_{secret}\"\n");
        let said = problems(&text);
        assert!(!said.contains(secret), "{said}");
        assert!(said.contains("\"bess_******") && said.contains("never the token"), "{said}");
        let list = format!("a:viewer:bess_{secret}");
        let said = TokenBook::parse_list("LIST", &list).expect_err("refused").to_string();
        assert!(!said.contains(secret) && said.contains("64 hexadecimal"), "{said}");
    }

    #[test]
    fn a_list_has_names_roles_and_hashes_and_all_its_problems_come_at_once() {
        let hash = |token: &str| hex(&Sha256::digest(token));
        let list = format!("ems-1:operator:{},\n board:viewer:{} ", hash(ONE), hash(TWO));
        let book = TokenBook::parse_list("LIST", &list).unwrap();
        assert_eq!(book.tokens().len(), 2);
        let found = book.find(TWO, None, at("2027-01-31")).unwrap();
        assert_eq!(found.bearer, bearer("board", Role::Viewer));
        let joined = book.clone().joined("LIST", book).unwrap_err();
        assert_eq!(joined.0.len(), 2);
        let refused = TokenBook::parse_list("LIST", "a, b!:boss:0").unwrap_err().to_string();
        for part in ["token 1 of the list is not", "token 2 of the list has no name", "viewer, "] {
            assert!(refused.contains(part), "{part:?} is not in:\n{refused}");
        }
        assert!(TokenBook::parse_list("LIST", " , ").is_err());
    }

    #[test]
    fn a_day_is_its_begin_and_what_is_neither_day_nor_instant_is_nothing() {
        assert_eq!(at("2027-01-31").to_string(), "2027-01-31T00:00:00Z");
        assert_eq!(at("2027-01-31T12:00:00+01:00").to_string(), "2027-01-31T11:00:00Z");
        for text in ["", "2027", "2027-13-01", "2027-01-31T12:00:00", "31.1.2027"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}

//! What objects of a scenario file look like: each says its keys once, for reader and schema.

/// An object of the file.
#[derive(Debug)]
pub struct Object {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// Its keys, in lists that several objects may share.
    pub keys: &'static [&'static [Key]],
    /// Of these keys exactly one must be there; none where the list is empty.
    pub one_of: &'static [&'static str],
}

/// One key of an object.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether an object without it is refused.
    pub is_needed: bool,
    /// What it is for.
    pub text: &'static str,
}

/// Names of a list of words.
pub type Names = fn() -> Vec<&'static str>;

/// What the value of a key may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// This text.
    Const(&'static str),
    /// A text.
    Text,
    /// Lower-case words joined by hyphens.
    Id,
    /// A list of texts.
    Texts,
    /// A duration such as `1m30s`.
    Duration,
    /// A whole number.
    Whole {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A number, or a text with a unit that fits the name of the key.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A list of numbers.
    Numbers,
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Word(Names),
    /// A list of some words.
    Words(Names),
    /// A condition in the language of expressions.
    Condition,
    /// An expression with one number.
    Signal,
    /// A number or a text.
    Scalar,
    /// A number, a text or a truth value.
    Literal,
    /// The name of a target.
    Target,
    /// Names of targets: one, or a list.
    Targets,
    /// Units: a name, a range of names, or a list of them.
    Units,
    /// The id of an action.
    Action,
    /// The parameters of an action, of [`super::Deed::parameters`].
    With,
    /// Settings of [`super::setup`].
    Set,
    /// The table of a farm file's `[units.functions]`.
    Functions,
    /// A duration, or a distribution in seconds.
    Every,
    /// An object.
    Object(&'static Object),
    /// A list of objects.
    List(&'static Object),
    /// A list of objects, each one of these by its `kind`.
    ListByKind(&'static [&'static Object]),
    /// Objects by names that the file gives them.
    Map(&'static Object),
    /// Whom a single fault hits.
    Who,
}

impl Key {
    /// One that is needed.
    pub const fn new(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, kind, is_needed: true, text }
    }
    /// One that may be absent.
    pub const fn optional(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, kind, is_needed: false, text }
    }
}

impl Kind {
    /// What is expected, for messages.
    pub fn words(self) -> String {
        match self {
            Self::Const(text) => format!("\"{text}\""),
            Self::Text => "a text".to_owned(),
            Self::Id => "an id: lower-case words joined by hyphens".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Duration => "a duration such as 250ms, 30s or 1h30m".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { .. } => "a number".to_owned(),
            Self::Numbers => "a list of numbers".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Word(names) => format!("one of {}", names().join(", ")),
            Self::Words(names) => format!("a list of some of {}", names().join(", ")),
            Self::Condition => "a condition such as \"farm.frequency_hz < 49.8Hz\"".to_owned(),
            Self::Signal => "an expression with one number".to_owned(),
            Self::Scalar => "a number or a text".to_owned(),
            Self::Literal => "a number, a text, true or false".to_owned(),
            Self::Target => "the name of a target".to_owned(),
            Self::Targets => "the name of a target, or a list of them".to_owned(),
            Self::Units => "names of units such as unit-001 or unit-001..unit-004".to_owned(),
            Self::Action => "the id of an action".to_owned(),
            Self::Functions => "a table as `[units.functions]` of a farm file".to_owned(),
            Self::With | Self::Set => "a table of parameters".to_owned(),
            Self::Every => "a duration, or a distribution of seconds".to_owned(),
            Self::Object(_) => "a table".to_owned(),
            Self::List(_) | Self::ListByKind(_) => "a list of tables".to_owned(),
            Self::Map(_) => "a table of named tables".to_owned(),
            Self::Who => "a target such as unit-001, a list of them, or a selector".to_owned(),
        }
    }
}

impl Object {
    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|keys| keys.iter())
    }
    /// The key called `name`.
    ///
    /// # Panics
    /// For one that the object does not have: readers and tables must agree.
    pub fn key(&self, name: &str) -> &'static Key {
        let key = self.keys().find(|key| key.name == name);
        key.unwrap_or_else(|| panic!("{} has no key {name}", self.name))
    }
}

/// The names of a list of words with what they stand for.
pub fn names<T, const N: usize>(list: &[(&'static str, T); N]) -> Vec<&'static str> {
    list.iter().map(|(name, _)| *name).collect()
}

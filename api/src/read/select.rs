//! An answer with only those of its fields that were asked for. What is left out is not encoded.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Which fields of an object are wanted; an inner object has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection(BTreeMap<String, Option<Selection>>);

impl Selection {
    /// Those with these paths; `measured` beats `measured.soc`.
    pub(crate) fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut all = Self::default();
        paths.into_iter().for_each(|path| all.add(path));
        all
    }

    fn add(&mut self, path: &str) {
        let Some((name, rest)) = path.split_once('.') else {
            self.0.insert(path.to_owned(), None);
            return;
        };
        let inner = self.0.entry(name.to_owned()).or_insert_with(|| Some(Self::default()));
        if let Some(inner) = inner {
            inner.add(rest);
        }
    }

    fn of_field(&self, name: &str) -> Wish<'_> {
        match self.0.get(name) {
            None => Wish::Nothing,
            Some(None) => Wish::All,
            Some(Some(inner)) => Wish::Some(inner),
        }
    }
}

/// What is wanted of one field.
#[derive(Clone, Copy, Debug)]
enum Wish<'s> {
    Nothing,
    All,
    Some(&'s Selection),
}

/// A value of which only some fields are shown; all of them without a selection.
#[derive(Clone, Debug)]
pub(crate) struct Selected<T> {
    value: T,
    selection: Option<Arc<Selection>>,
}

impl<T> Selected<T> {
    /// `value`, with those of its fields that `selection` names.
    pub(crate) fn new(value: T, selection: Option<&Arc<Selection>>) -> Self {
        Self { value, selection: selection.cloned() }
    }
}

/// For the document: a `T`, or what was selected of it.
pub(crate) struct SomeOf<T>(PhantomData<T>);

/// What was selected of it.
const PART: &str = "SelectedFields";

impl<T: ToSchema> PartialSchema for SomeOf<T> {
    fn schema() -> RefOr<Schema> {
        let choice = AnyOfBuilder::new().item(Ref::from_schema_name(T::name()));
        choice.item(Ref::from_schema_name(PART)).into()
    }
}

impl<T: ToSchema> ToSchema for SomeOf<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}OrSelected", T::name()))
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
        let part = ObjectBuilder::new()
            .description(Some("Those fields that the parameter `fields` asked for."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        schemas.push((PART.to_owned(), part.into()));
    }
}

impl<T: Serialize> Serialize for Selected<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.selection {
            None => self.value.serialize(serializer),
            Some(selection) => self.value.serialize(Select { inner: serializer, selection }),
        }
    }
}

/// The same for a field.
struct Part<'a, T: ?Sized> {
    value: &'a T,
    selection: &'a Selection,
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Select { inner: serializer, selection: self.selection })
    }
}

/// Hands on what it is given, but for fields that nobody wants.
struct Select<'s, S> {
    inner: S,
    selection: &'s Selection,
}

/// Hands on what has no fields.
macro_rules! hand_on {
    ($($method:ident($($name:ident: $kind:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $($name: $kind),*) -> Result<$ok, S::Error> {
            self.inner.$method($($name),*)
        }
    )*};
}

impl<'s, S: Serializer> Serializer for Select<'s, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = S::SerializeSeq;
    type SerializeTuple = S::SerializeTuple;
    type SerializeTupleStruct = S::SerializeTupleStruct;
    type SerializeTupleVariant = S::SerializeTupleVariant;
    type SerializeMap = SelectMap<'s, S::SerializeMap>;
    type SerializeStruct = SelectStruct<'s, S::SerializeStruct>;
    type SerializeStructVariant = S::SerializeStructVariant;

    hand_on! {
        serialize_bool(v: bool) -> S::Ok;
        serialize_i8(v: i8) -> S::Ok;
        serialize_i16(v: i16) -> S::Ok;
        serialize_i32(v: i32) -> S::Ok;
        serialize_i64(v: i64) -> S::Ok;
        serialize_i128(v: i128) -> S::Ok;
        serialize_u8(v: u8) -> S::Ok;
        serialize_u16(v: u16) -> S::Ok;
        serialize_u32(v: u32) -> S::Ok;
        serialize_u64(v: u64) -> S::Ok;
        serialize_u128(v: u128) -> S::Ok;
        serialize_f32(v: f32) -> S::Ok;
        serialize_f64(v: f64) -> S::Ok;
        serialize_char(v: char) -> S::Ok;
        serialize_str(v: &str) -> S::Ok;
        serialize_bytes(v: &[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(name: &'static str) -> S::Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> S::Ok;
        serialize_seq(len: Option<usize>) -> S::SerializeSeq;
        serialize_tuple(len: usize) -> S::SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> S::SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> S::SerializeTupleVariant;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> S::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Part { value, selection: self.selection })
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Part { value, selection: self.selection })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_variant(name, index, variant, value)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let inner = self.inner.serialize_map(None)?;
        Ok(SelectMap { inner, selection: self.selection, wish: Wish::Nothing })
    }
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let inner = self.inner.serialize_struct(name, len)?;
        Ok(SelectStruct { inner, selection: self.selection })
    }
}

struct SelectStruct<'s, S> {
    inner: S,
    selection: &'s Selection,
}

impl<S: SerializeStruct> SerializeStruct for SelectStruct<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        match self.selection.of_field(key) {
            Wish::Nothing => Ok(()),
            Wish::All => self.inner.serialize_field(key, value),
            Wish::Some(selection) => self.inner.serialize_field(key, &Part { value, selection }),
        }
    }
    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

/// A map, or a struct into which another one is flattened.
struct SelectMap<'s, S> {
    inner: S,
    selection: &'s Selection,
    /// Of the key that was seen last.
    wish: Wish<'s>,
}

/// A key as text.
struct Name<'k, K: ?Sized>(&'k K);

impl<K: Serialize + ?Sized> fmt::Display for Name<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

impl<S: SerializeMap> SerializeMap for SelectMap<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.wish = self.selection.of_field(&Name(key).to_string());
        match self.wish {
            Wish::Nothing => Ok(()),
            Wish::All | Wish::Some(_) => self.inner.serialize_key(key),
        }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        match self.wish {
            Wish::Nothing => Ok(()),
            Wish::All => self.inner.serialize_value(value),
            Wish::Some(selection) => self.inner.serialize_value(&Part { value, selection }),
        }
    }
    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::json;

    #[derive(Serialize)]
    struct Outer {
        #[serde(flatten)]
        stamp: Stamp,
        a: f64,
        inner: Inner,
        none: Option<Inner>,
        some: Option<Inner>,
        list: Vec<Inner>,
        map: BTreeMap<&'static str, u32>,
    }
    #[derive(Clone, Serialize)]
    struct Stamp {
        tick: u64,
    }
    #[derive(Clone, Serialize)]
    struct Inner {
        x: u32,
        #[serde(flatten)]
        stamp: Stamp,
    }

    fn shown(paths: &[&str]) -> String {
        let inner = Inner { x: 1, stamp: Stamp { tick: 5 } };
        let outer = Outer {
            stamp: Stamp { tick: 7 },
            a: 0.5,
            inner: inner.clone(),
            none: None,
            some: Some(inner.clone()),
            list: vec![inner; 2],
            map: BTreeMap::from([("k", 3), ("l", 4)]),
        };
        let selection = Arc::new(Selection::of(paths.iter().copied()));
        serde_json::to_string(&Selected::new(outer, Some(&selection))).unwrap()
    }

    #[test]
    fn only_what_is_selected_is_shown_in_its_own_order() {
        for (paths, text) in [
            (&["a"][..], r#"{"a":0.5}"#),
            (&["inner.x", "tick"], r#"{"tick":7,"inner":{"x":1}}"#),
            (&["inner.tick"], r#"{"inner":{"tick":5}}"#),
            (&["inner.x", "inner", "inner.tick"], r#"{"inner":{"x":1,"tick":5}}"#),
            (&["none", "some.x"], r#"{"none":null,"some":{"x":1}}"#),
            (&["none.x"], r#"{"none":null}"#),
            (&["list"], r#"{"list":[{"x":1,"tick":5},{"x":1,"tick":5}]}"#),
            (&["map"], r#"{"map":{"k":3,"l":4}}"#),
            (&["map.l"], r#"{"map":{"l":4}}"#),
            (&["zzz"], "{}"),
        ] {
            assert_eq!(shown(paths), text, "{paths:?}");
        }
    }

    #[test]
    fn a_selected_value_can_be_flattened_into_another() {
        #[derive(Serialize)]
        struct Answer {
            #[serde(flatten)]
            stamp: Stamp,
            #[serde(flatten)]
            inner: Selected<Inner2>,
        }
        #[derive(Serialize)]
        struct Inner2 {
            x: u32,
            y: u32,
        }
        let selection = Arc::new(Selection::of(["y"]));
        let inner = Selected::new(Inner2 { x: 1, y: 2 }, Some(&selection));
        let answer = Answer { stamp: Stamp { tick: 7 }, inner };
        assert_eq!(serde_json::to_value(&answer).unwrap(), json!({"tick": 7, "y": 2}));
    }
}

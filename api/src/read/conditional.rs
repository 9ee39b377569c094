//! For the document: what conditional requests have.

use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Header, RefOr, Required, Response, ResponseBuilder};

/// The response without a body: what a client has already is not sent again.
pub(crate) struct NotModified;

impl utoipa::IntoResponses for NotModified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = ResponseBuilder::new()
            .description("What `If-None-Match` names is what there is; there is no body.");
        BTreeMap::from([("304".to_owned(), RefOr::T(response.build()))])
    }
}

fn if_none_match() -> Parameter {
    // What is no tag names nothing, and is passed over as RFC 9110 has it.
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` of what the client has."))
        .schema(Some(schema))
        .build()
}

fn etag() -> Header {
    let mut header = Header::new(Object::with_type(Type::String));
    let text = "Another one whenever anything was published: after each tick and each change.";
    header.description = Some(text.to_owned());
    header
}

/// Adds the header to an operation that has the response, and the tag to its answers.
pub(crate) fn describe(operation: &mut Operation) {
    if !operation.responses.responses.contains_key("304") {
        return;
    }
    operation.parameters.get_or_insert_default().push(if_none_match().into());
    for status in ["200", "304"] {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            response.headers.insert("ETag".to_owned(), etag().into());
        }
    }
}

//! The constraints of ids, which have the same name and meaning in the whole API.
//!
//! Each constraint is stated once and added to every parameter and property of its name. The
//! constraints of other values are attributes of their fields. `scripts/openapi` compares both
//! with the running program.

use utoipa::Number;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::{Components, Object, RefOr, Schema, Type};

/// A user id: a whole number from 1 to 2147483647 without leading zeros.
macro_rules! user_id {
    () => {
        concat!(
            "[1-9][0-9]{0,8}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}|214[0-6][0-9]{6}",
            "|2147[0-3][0-9]{5}|21474[0-7][0-9]{4}|214748[0-2][0-9]{3}|2147483[0-5][0-9]{2}",
            "|21474836[0-3][0-9]|214748364[0-7]"
        )
    };
}

/// Text of 1 to 255 characters without control characters (Unicode category Cc).
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]{1,255}$";
/// A user in the path: an id, or `ext:` and the app's own id before percent-encoding.
const USER_IN_PATH: &str = concat!(
    "^(?:",
    user_id!(),
    r"|ext:[^\u0000-\u001f\u007f-\u009f]{1,255})$"
);
/// A user in a header: an id, or `ext:` and the app's own id, percent-encoded. This is up to 255
/// characters of UTF-8 (RFC 3629) that are not control characters.
const USER_IN_HEADER: &str = concat!(
    "^(?:",
    user_id!(),
    "|ext:(?:[!-$&-~]",
    "|%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]",
    "|[Cc]2%[ABab][0-9A-Fa-f]|(?:[Cc][3-9A-Fa-f]|[Dd][0-9A-Fa-f])%[89ABab][0-9A-Fa-f]",
    "|[Ee]0%[ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]",
    "|[Ee][1-9A-CEFa-cef](?:%[89ABab][0-9A-Fa-f]){2}",
    "|[Ee][Dd]%[89][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]",
    "|[Ff]0%[9ABab][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){2}",
    "|[Ff][1-3](?:%[89ABab][0-9A-Fa-f]){3}",
    "|[Ff]4%8[0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){2})){1,255})$"
);

/// Returns the pattern of the strings with this name.
fn pattern_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "provider" => "^[a-z][a-z0-9-]{0,49}$",
        "accountId" | "accountIds" | "providerAccountId" | "externalId" => PRINTABLE,
        "scopes" => r"^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255}$",
        "flowId" | "correlationId" => "^[A-Za-z0-9_-]{1,64}$",
        _ => return None,
    })
}

/// The accounts of a batch: a malformed id there is the error of one account, whose result repeats
/// it, and not an error of the request.
const BATCHES: [&str; 2] = ["AccountRef", "AccountError"];

/// Adds the constraints to every property of every schema.
pub(super) fn constrain_schemas(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        if !BATCHES.contains(&name.as_str()) {
            constrain_properties(schema);
        }
    }
}

/// Adds the constraints to every parameter of an operation.
pub(super) fn constrain_parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            constrain_parameter(parameter);
        }
    }
}

fn constrain_parameter(parameter: &mut Parameter) {
    let Some(schema) = &mut parameter.schema else {
        return;
    };
    remove_null(schema);
    match (parameter.name.as_str(), &parameter.parameter_in, schema) {
        ("userId", ParameterIn::Path, RefOr::T(Schema::Object(user))) => {
            user.pattern = Some(USER_IN_PATH.to_owned());
        }
        ("Evergrant-User", _, RefOr::T(Schema::Object(user))) => {
            user.pattern = Some(USER_IN_HEADER.to_owned());
        }
        (name, _, schema) => constrain(name, schema),
    }
}

/// Removes null from the types of a parameter: an absent parameter is not sent.
fn remove_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(value)) = schema
        && let SchemaType::Array(types) = &mut value.schema_type
    {
        types.retain(|one| *one != Type::Null);
        if let [only] = types.as_slice() {
            value.schema_type = only.clone().into();
        }
    }
}

fn constrain_properties(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else {
        return;
    };
    match schema {
        Schema::Object(object) => {
            for (name, property) in &mut object.properties {
                constrain(name, property);
            }
        }
        Schema::OneOf(parts) => parts.items.iter_mut().for_each(constrain_properties),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(constrain_properties),
        _ => {}
    }
}

/// Adds the constraint of `name` to a string, an integer, or the items of a list.
fn constrain(name: &str, schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => constrain_value(name, object),
        RefOr::T(Schema::Array(list)) => {
            if let ArrayItems::RefOrSchema(items) = &mut list.items {
                constrain(name, items);
            }
        }
        _ => {}
    }
}

fn constrain_value(name: &str, value: &mut Object) {
    if value.schema_type == Type::Null.into() {
        return;
    }
    if let Some(pattern) = pattern_of(name) {
        value.pattern = Some(pattern.to_owned());
    }
    if name == "userId" {
        value.minimum = Some(Number::Int(1));
        value.maximum = Some(Number::Int(i32::MAX as isize));
    }
}

//! `/api/users`: the people of the host application.

use axum::Json;
use axum::extract::State;
use evergrant_model::{ExternalId, Timestamp, UserId};
use evergrant_service::{FieldFault, NewUser, ServiceError, User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Body, PathOf};
use crate::caller::{Allowed, WriteUsers, invalid_user, user_ref};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// A user to be made; all fields may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateUser {
    /// A number of your own choice, from 1 to 2147483647.
    #[schema(value_type = Option<i32>, minimum = 1)]
    id: Option<serde_json::Value>,
    /// Unique where there is one; up to 255 characters.
    email: Option<String>,
    /// Up to 255 characters.
    name: Option<String>,
    /// Your own id of the user, such as a UUID; unique where there is one; up to 255 characters.
    external_id: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserView {
    /// The number that names the user everywhere.
    id: i32,
    /// Null where there is none.
    email: Option<String>,
    /// Null where there is none.
    name: Option<String>,
    /// Null where there is none.
    external_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.get(),
            email: user.email,
            name: user.name,
            external_id: user.external_id,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// What came of deleting a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// Always true: a failure is a problem document.
    success: bool,
}

/// Makes a user, or answers the one that has this id, external id or e-mail address, unchanged.
#[utoipa::path(post, path = "/api/users", operation_id = "createUser", tag = "Users", security(("apiKey" = [])), request_body = CreateUser, responses(
    (status = 200, description = "The user was there, and is as it was", body = UserView),
    (status = 201, description = "A new user", body = UserView),
    (status = 400, description = "`INVALID_USER_ID`, `INVALID_REQUEST`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`FORBIDDEN`: needs `users:write`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`VALIDATION_ERROR`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    allowed: Allowed<WriteUsers>,
    Body(body): Body<CreateUser>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    let (user, new) = state
        .service
        .users()
        .create(&allowed.call, &checked(body)?)
        .await?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(user.into())))
}

/// A user.
#[utoipa::path(get, path = "/api/users/{userId}", operation_id = "getUser", tag = "Users", security(("apiKey" = [])),
    params(("userId" = String, Path, description = "The user's id, or `ext:` and your own id, percent-encoded")),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 400, description = "`INVALID_USER_ID`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    allowed: Allowed<WriteUsers>,
    PathOf(user): PathOf<String>,
) -> Result<Json<UserView>, ApiError> {
    let user = user_ref(&user).ok_or_else(invalid_user)?;
    Ok(Json(
        state
            .service
            .users()
            .get(&allowed.call, &user)
            .await?
            .into(),
    ))
}

/// Deletes a user with all connections; their grants are ended at the platforms as far as those
/// can.
#[utoipa::path(delete, path = "/api/users/{userId}", operation_id = "deleteUser", tag = "Users", security(("apiKey" = [])),
    params(("userId" = String, Path, description = "The user's id, or `ext:` and your own id, percent-encoded")),
    responses(
        (status = 200, description = "Deleted", body = Deleted),
        (status = 400, description = "`INVALID_USER_ID`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    allowed: Allowed<WriteUsers>,
    PathOf(user): PathOf<String>,
) -> Result<Json<Deleted>, ApiError> {
    let user = user_ref(&user).ok_or_else(invalid_user)?;
    let users = state.service.users();
    let user = users.get(&allowed.call, &user).await?;
    users.delete(&allowed.call, user.id).await?;
    Ok(Json(Deleted { success: true }))
}

fn checked(body: CreateUser) -> Result<NewUser, ApiError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(FieldFault {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let id = body.id.as_ref().map(user_number).transpose()?;
    let external_id = body.external_id.map(ExternalId::new).transpose();
    if let Err(error) = &external_id {
        fault("externalId", error.expectation());
    }
    if body.email.as_deref().is_some_and(|email| !is_email(email)) {
        fault("email", "is not an e-mail address of up to 255 characters");
    }
    if body.name.as_deref().is_some_and(|name| !is_line(name)) {
        fault(
            "name",
            "must be 1 to 255 characters without control characters",
        );
    }
    if !faults.is_empty() {
        return Err(ServiceError::fields(faults).into());
    }
    Ok(NewUser {
        id,
        email: body.email,
        name: body.name,
        external_id: external_id.unwrap_or_default(),
    })
}

/// A user's number in a body: whatever else stands there is an invalid user id, whatever its type.
pub(crate) fn user_number(value: &serde_json::Value) -> Result<UserId, ApiError> {
    let number = value
        .as_i64()
        .and_then(|number| UserId::try_from(number).ok());
    number.ok_or_else(invalid_user)
}

fn is_line(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A shape, not a proof: one `@` with something on both sides and no white space.
fn is_email(text: &str) -> bool {
    let sides = text.split_once('@');
    is_line(text)
        && !text.contains(char::is_whitespace)
        && sides.is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_address_has_two_sides() {
        assert!(is_email("a@b") && is_email("ada+x@mail.example"));
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b\n",
            &format!("{}@b", "a".repeat(300)),
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }
}

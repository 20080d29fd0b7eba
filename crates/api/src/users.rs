//! `/api/users`: the users of the host application.

use axum::Json;
use axum::extract::State;
use evergrant_model::{ExternalId, Timestamp, UserId};
use evergrant_service::{FieldFault, NewUser, ServiceError, User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Body, PathOf};
use crate::caller::{Authorized, WriteUsers, invalid_user, user_in_path};
use crate::integers::whole_number;
use crate::problem::ApiError;
use crate::state::ApiState;

/// A new user. All fields are optional.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateUser {
    /// Id of the user, from 1 to 2147483647. Default: generated.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 2_147_483_647)]
    id: Option<serde_json::Value>,
    /// E-mail address, up to 255 characters. Must be unique.
    #[schema(
        max_length = 255,
        pattern = r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@\s\u0000-\u001f\u007f-\u009f]+$"
    )]
    email: Option<String>,
    /// Name, up to 255 characters.
    #[schema(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,255}$")]
    name: Option<String>,
    /// Your own id for the user, such as a UUID, up to 255 characters. Must be unique.
    external_id: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserView {
    /// Id of the user.
    id: i32,
    /// E-mail address; null if not set.
    email: Option<String>,
    /// Name; null if not set.
    name: Option<String>,
    /// Your own id for the user; null if not set.
    external_id: Option<String>,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the user was last changed.
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

/// The result of deleting a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserDeleted {
    /// Always true: errors are problem documents.
    success: bool,
}

/// Create a user
///
/// If a user with the same `id` exists, or without `id` one with the same `externalId`, or without
/// both one with the same `email`, returns that user unchanged. Requires an API key with
/// `users:write`.
#[utoipa::path(post, path = "/api/users", operation_id = "createUser", tag = "Users",
    security(("apiKey" = ["users:write"])), request_body = CreateUser,
    responses(
        (status = 200, description = "The existing user, unchanged", body = UserView),
        (status = 201, description = "The new user", body = UserView),
        (status = 400, description = "`INVALID_USER_ID`, `INVALID_REQUEST`"),
        (status = 403, description = "`FORBIDDEN`: the API key lacks `users:write`"),
        (status = 409, description = "`USER_CONFLICT`: a value belongs to another user"),
        (status = 422, description = "`VALIDATION_ERROR`"),
    ))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authorized<WriteUsers>,
    Body(body): Body<CreateUser>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    let (user, new) = state
        .service
        .users()
        .create(&caller.call, &validate(body)?)
        .await?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(user.into())))
}

/// Get a user
///
/// Requires an API key with `users:write`.
#[utoipa::path(get, path = "/api/users/{userId}", operation_id = "getUser", tag = "Users",
    security(("apiKey" = ["users:write"])),
    params(("userId" = String, Path,
        description = "Id of the user, or `ext:` and your own id for the user")),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 400, description = "`INVALID_USER_ID`"),
        (status = 404, description = "`USER_NOT_FOUND`"),
    ))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authorized<WriteUsers>,
    PathOf(user): PathOf<String>,
) -> Result<Json<UserView>, ApiError> {
    let user = user_in_path(&user).ok_or_else(invalid_user)?;
    Ok(Json(
        state.service.users().get(&caller.call, &user).await?.into(),
    ))
}

/// Delete a user
///
/// Deletes the user with all connections and flows, and revokes their grants if the platforms
/// support that. Requires an API key with `users:write`.
#[utoipa::path(delete, path = "/api/users/{userId}", operation_id = "deleteUser", tag = "Users",
    security(("apiKey" = ["users:write"])),
    params(("userId" = String, Path,
        description = "Id of the user, or `ext:` and your own id for the user")),
    responses(
        (status = 200, description = "The user is deleted", body = UserDeleted),
        (status = 400, description = "`INVALID_USER_ID`"),
        (status = 404, description = "`USER_NOT_FOUND`"),
    ))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authorized<WriteUsers>,
    PathOf(user): PathOf<String>,
) -> Result<Json<UserDeleted>, ApiError> {
    let user = user_in_path(&user).ok_or_else(invalid_user)?;
    let users = state.service.users();
    let user = users.get(&caller.call, &user).await?;
    users.delete(&caller.call, user.id).await?;
    Ok(Json(UserDeleted { success: true }))
}

/// # Errors
///
/// `INVALID_USER_ID`; `VALIDATION_ERROR` naming every invalid field.
fn validate(body: CreateUser) -> Result<NewUser, ApiError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(FieldFault {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let id = body.id.as_ref().map(user_id).transpose()?;
    let external_id = body.external_id.map(ExternalId::new).transpose();
    if let Err(error) = &external_id {
        fault("externalId", error.expectation());
    }
    if body.email.as_deref().is_some_and(|email| !is_email(email)) {
        fault("email", "must be an e-mail address of up to 255 characters");
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

/// Returns the user id in a body. It is read as untyped JSON, so that a value of another type is an
/// `INVALID_USER_ID` too.
pub(crate) fn user_id(value: &serde_json::Value) -> Result<UserId, ApiError> {
    let number = value.as_number().and_then(whole_number);
    let id = number.and_then(|number| UserId::try_from(number).ok());
    id.ok_or_else(invalid_user)
}

/// Returns whether the text is one line of 1 to 255 characters.
fn is_line(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Checks only the shape: one `@` with text on both sides, and no white space.
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
    fn email_has_a_local_part_and_a_domain() {
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

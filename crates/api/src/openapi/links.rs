//! Links between operations: which value of a response is which parameter of a later request.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::Operation;

use super::errors::names_user;

/// Names with their values, which are runtime expressions (OpenAPI 3.1.0 §4.8.20.3).
type Expressions = &'static [(&'static str, &'static str)];

/// A link: the operation and status of the response, the later operation, its parameters, and the
/// members of its body.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    Expressions,
    Expressions,
);

/// The first of the listed accounts.
const LISTED: Expressions = &[
    ("provider", "$response.body#/integrations/0/provider"),
    (
        "accountId",
        "$response.body#/integrations/0/providerAccountId",
    ),
];
/// The account that the request names.
const SAME_ACCOUNT: Expressions = &[
    ("provider", "$request.path.provider"),
    ("accountId", "$request.path.accountId"),
];
/// The account that the callback connected.
const CONNECTED: Expressions = &[
    ("provider", "$request.path.provider"),
    ("accountId", "$response.body#/accountId"),
];
const REJECTED_TOKEN: Expressions = &[
    ("provider", "$request.path.provider"),
    ("accountId", "$request.path.accountId"),
    ("accessToken", "$response.body#/accessToken"),
];
const FLOW: Expressions = &[("flowId", "$response.body#/flowId")];
const STATE: Expressions = &[
    ("provider", "$request.path.provider"),
    ("state", "$response.body#/state"),
];
const PROVIDER: Expressions = &[("provider", "$response.body#/providers/0/provider")];
const USER: Expressions = &[("userId", "$response.body#/id")];
const SAME_USER: Expressions = &[("userId", "$request.path.userId")];
const AS_USER: Expressions = &[("Evergrant-User", "$response.body#/id")];
const PERSON: Expressions = &[("userId", "$response.body#/people/0/id")];

const LINKS: &[Row] = &[
    ("listProviders", "200", "connect", PROVIDER, &[]),
    ("connect", "200", "getFlow", FLOW, &[]),
    ("connect", "200", "listFlowAccounts", FLOW, &[]),
    ("connect", "200", "finishFlow", FLOW, &[]),
    ("connect", "200", "sendCredentials", FLOW, &[]),
    ("connect", "200", "callback", STATE, &[]),
    ("connect", "200", "credentialForm", STATE, &[]),
    ("postCallback", "200", "finishFlow", FLOW, &[]),
    ("postCallback", "200", "getToken", CONNECTED, &[]),
    ("getStatus", "200", "getToken", LISTED, &[]),
    ("getStatus", "200", "refresh", LISTED, &[]),
    ("getStatus", "200", "disconnect", LISTED, &[]),
    ("finishFlow", "200", "getToken", LISTED, &[]),
    ("finishFlow", "200", "disconnect", LISTED, &[]),
    ("sendCredentials", "200", "getToken", LISTED, &[]),
    ("sendCredentials", "200", "disconnect", LISTED, &[]),
    ("getToken", "200", "reportRefusedToken", &[], REJECTED_TOKEN),
    ("getToken", "200", "disconnect", SAME_ACCOUNT, &[]),
    ("refresh", "200", "getToken", SAME_ACCOUNT, &[]),
    ("createUser", "200", "getUser", USER, &[]),
    ("createUser", "201", "getUser", USER, &[]),
    ("createUser", "201", "deleteUser", USER, &[]),
    ("createUser", "201", "createSession", &[], USER),
    ("createUser", "201", "getStatus", AS_USER, &[]),
    ("getUser", "200", "deleteUser", SAME_USER, &[]),
    (
        "getConsoleSession",
        "200",
        "changeConsoleSession",
        &[],
        PERSON,
    ),
];

/// Adds links to operations.
pub(super) struct Links {
    /// Ids of the operations with the `Evergrant-User` header.
    for_user: BTreeSet<String>,
}

impl Links {
    /// Reads which operations have the `Evergrant-User` header: a link between two of them passes
    /// it on.
    pub(super) fn between<'a>(operations: impl Iterator<Item = &'a mut Operation>) -> Self {
        let for_user = operations.filter(|operation| names_user(operation));
        Self {
            for_user: for_user.map(|operation| id_of(operation)).collect(),
        }
    }

    /// Adds the links of an operation's responses.
    pub(super) fn add_to(&self, operation: &mut Operation) {
        let id = id_of(operation);
        for (from, status, to, parameters, body) in LINKS {
            let response = operation.responses.responses.get_mut(*status);
            if let Some(RefOr::T(response)) = response.filter(|_| *from == id) {
                let same_user = self.for_user.contains(&id) && self.for_user.contains(*to);
                let link = link(to, parameters, body, same_user);
                response.links.insert((*to).to_owned(), link.into());
            }
        }
    }
}

fn id_of(operation: &Operation) -> String {
    operation.operation_id.clone().unwrap_or_default()
}

fn link(to: &str, parameters: Expressions, body: Expressions, same_user: bool) -> Link {
    let user = same_user.then_some(("Evergrant-User", "$request.header.Evergrant-User"));
    let body: Map<_, _> = body
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    let builder = LinkBuilder::new()
        .operation_id(to)
        .request_body((!body.is_empty()).then_some(body));
    let parameters = parameters.iter().copied().chain(user);
    parameters
        .fold(builder, |builder, (name, value)| {
            builder.parameter(name, value)
        })
        .build()
}

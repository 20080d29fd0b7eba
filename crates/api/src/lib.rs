#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod codes;
mod docs;
mod hosted_form;
mod integrations;
mod openapi;
mod pages;
mod problem;
mod request;
mod routes;
mod sessions;
mod state;
mod users;
mod views;

pub use codes::errors_markdown;
pub use routes::{ApiOptions, admin_router, openapi_json, router, router_with_pages};

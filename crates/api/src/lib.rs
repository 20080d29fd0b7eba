#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod docs;
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

pub use routes::{ApiOptions, admin_router, openapi_json, router, router_with_pages};

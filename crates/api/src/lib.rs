#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod codes;
mod console;
mod docs;
mod hosted;
mod images;
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
pub use routes::{
    ApiOptions, Console, admin_router, no_route, openapi_json, router, undescribed_paths,
};

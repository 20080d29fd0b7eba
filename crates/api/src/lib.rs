#![doc = include_str!("../README.md")]

mod body;
mod caller;
mod codes;
mod console;
mod cors;
mod docs;
mod form_body;
mod hosted;
mod images;
mod integers;
mod integrations;
mod logo;
mod openapi;
mod pages;
mod path;
mod problem;
mod public_path;
mod request;
mod routes;
mod sessions;
mod site;
mod state;
mod users;
mod views;

pub use codes::errors_markdown;
pub use public_path::is_below as is_route_below;
pub use routes::{
    ApiOptions, Console, admin_router, openapi_json, route_at_or_below, route_not_found, router,
    undocumented_paths,
};
pub use site::{App, LOGO_PATH, Logo};

#![doc = include_str!("../README.md")]

mod block;
mod class;
mod content_coding;
mod endpoint;
mod error;
mod guarded;
mod http;
mod network_policy;
mod permit;
mod picture;
mod rate_headers;
mod sender;
mod traffic;

pub use block::{Block, BlockKind, SharedBreakerState};
pub use class::{AdmissionRequest, RequestClass};
pub use endpoint::{Endpoint, EndpointKind, EndpointUrls};
pub use error::{CallOutcome, NotAdmitted, Refusal, RequestError};
pub use guarded::{CallError, catch_panic};
pub use http::{Body, HttpClient, HttpClientError, HttpLimits, JSON, Reach, Request, Response};
pub use network_policy::{NetworkPolicy, override_violation, policy_violation};
pub use permit::Permit;
pub use picture::{Picture, PictureError};
pub use rate_headers::stated_wait;
pub use sender::Outbound;
pub use traffic::Traffic;

pub use evergrant_resilience::{Learned, SharedRate};

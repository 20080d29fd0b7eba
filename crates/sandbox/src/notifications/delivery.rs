//! Delivers callbacks and webhooks. These are the sandbox's only outgoing requests, and they reach
//! loopback addresses only.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use url::{Host, Position, Url};

use crate::loopback::is_loopback;

/// Timeout of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a receiver's response in bytes.
const MAX_RESPONSE_BYTES: usize = 64 << 10;
/// Maximum number of deliveries of one message. Enough to test duplicates; prevents a flood by
/// typo.
const MAX_TIMES: u32 = 100;

/// The content of a delivery.
pub(crate) struct Message {
    pub(crate) content_type: &'static str,
    /// Name and value of the signature header; `None` if the body carries the signature.
    pub(crate) signature: Option<(&'static str, String)>,
    pub(crate) body: String,
}

/// A receiver's response to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackResponse {
    /// HTTP status.
    pub status: u16,
    /// Body as text; invalid UTF-8 is replaced.
    pub body: String,
}

/// The receiver of a message and the number of deliveries.
pub(crate) struct Delivery {
    target: Url,
    times: u32,
}

impl Delivery {
    /// Checks the URL and the number of deliveries. The error names the problem.
    pub(crate) fn new(url: &str, times: u32) -> Result<Self, String> {
        let target = Url::parse(url).ok().filter(is_loopback);
        let target = target.ok_or(
            "url is not an http address on this machine; deliveries are limited to loopback",
        )?;
        if !(1..=MAX_TIMES).contains(&times) {
            return Err(format!("times must be between 1 and {MAX_TIMES}"));
        }
        Ok(Self { target, times })
    }

    /// Returns host and port of the receiver.
    pub(crate) fn receiver(&self) -> &str {
        self.target.authority()
    }

    /// Sends the message the requested number of times, one after another. Fails on the first
    /// delivery that gets no response.
    pub(crate) async fn send(&self, message: &Message) -> io::Result<Vec<CallbackResponse>> {
        let mut responses = Vec::new();
        for _ in 0..self.times {
            let sent = tokio::time::timeout(DELIVERY_TIMEOUT, post(&self.target, message)).await;
            responses.push(sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?);
        }
        Ok(responses)
    }
}

async fn post(target: &Url, message: &Message) -> io::Result<CallbackResponse> {
    let stream = TcpStream::connect(addresses(target).as_slice()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let request = request(target, message).map_err(io::Error::other)?;
    let exchange = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE_BYTES)
            .await
            .map_err(io::Error::other)?;
        Ok(CallbackResponse {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    };
    // The connection closes once the sender is dropped. The exchange has reported its errors.
    let (response, _) = tokio::join!(exchange, connection);
    response
}

/// Returns the addresses to connect to. `localhost` is not resolved by DNS, so it cannot point to
/// another machine.
fn addresses(target: &Url) -> Vec<SocketAddr> {
    let port = target.port_or_known_default().unwrap_or(80);
    match target.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        _ => vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ],
    }
}

fn request(target: &Url, message: &Message) -> Result<Request<Body>, axum::http::Error> {
    let request = Request::post(&target[Position::BeforePath..Position::AfterQuery])
        .header(
            header::HOST,
            &target[Position::BeforeHost..Position::AfterPort],
        )
        .header(header::CONTENT_TYPE, message.content_type);
    let signed = message
        .signature
        .iter()
        .fold(request, |request, (name, value)| {
            request.header(*name, value)
        });
    signed.body(Body::from(message.body.clone()))
}

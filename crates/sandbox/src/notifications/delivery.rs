//! Deliveries: the one way in which anything leaves the sandbox by itself, and it leads no further
//! than this machine.

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

/// How long a receiver may take.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// More than any receiver has to say.
const LONGEST_ANSWER: usize = 64 << 10;
/// As many as anybody needs to see that duplicates do no harm, so that a typing error does not
/// become a flood.
const MOST_TIMES: u32 = 100;

/// What goes out.
pub(crate) struct Message {
    pub(crate) content_type: &'static str,
    /// The header that carries the signature, where the body does not.
    pub(crate) signature: Option<(&'static str, String)>,
    pub(crate) body: String,
}

/// How a delivery was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackAnswer {
    /// The status.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

/// Where a message goes, and how often.
pub(crate) struct Delivery {
    target: Url,
    times: u32,
}

impl Delivery {
    /// The error says what is wrong with the address or the number.
    pub(crate) fn new(url: &str, times: u32) -> Result<Self, String> {
        let target = Url::parse(url).ok().filter(is_loopback);
        let target =
            target.ok_or("url is not an http address on this machine, and nothing leaves it")?;
        if !(1..=MOST_TIMES).contains(&times) {
            return Err(format!("times is from 1 to {MOST_TIMES}"));
        }
        Ok(Self { target, times })
    }

    /// Who is to take the message: host and port.
    pub(crate) fn receiver(&self) -> &str {
        self.target.authority()
    }

    /// Sends the message again and again, each time once the one before was answered.
    pub(crate) async fn send(&self, message: &Message) -> io::Result<Vec<CallbackAnswer>> {
        let mut answers = Vec::new();
        for _ in 0..self.times {
            let sent = tokio::time::timeout(LONGEST_WAIT, post(&self.target, message)).await;
            answers.push(sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?);
        }
        Ok(answers)
    }
}

async fn post(target: &Url, message: &Message) -> io::Result<CallbackAnswer> {
    let stream = TcpStream::connect(addresses(target).as_slice()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let request = request(target, message).map_err(io::Error::other)?;
    let exchange = async move {
        let answer = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        let body = to_bytes(Body::new(answer.into_body()), LONGEST_ANSWER)
            .await
            .map_err(io::Error::other)?;
        Ok(CallbackAnswer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    };
    // The connection ends with the sender; what it has to say about that, the exchange has said.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// The name `localhost` is not looked up, so that it cannot mean another machine.
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

//! A response whose connection drops before its end: the platform has processed the request, and
//! the caller may never learn the result.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::response::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame};

/// Upper bound of a buffered response in bytes; the sandbox's largest responses are far smaller.
const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// Returns the response with its full `Content-Length` and only the first half of its body.
pub(crate) async fn truncate(response: Response) -> Response {
    let (mut parts, full) = buffered(response).await;
    // Without a length the response is chunked, so that even an empty one can be truncated.
    if !full.is_empty() {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(full.len()));
    }
    let half = full.slice(..full.len() / 2);
    Response::from_parts(parts, Body::new(TruncatedBody::Start(half)))
}

/// Returns the response with its full body in chunks, of which the last one, the empty one, is
/// missing.
pub(crate) async fn without_last_chunk(response: Response) -> Response {
    let (parts, full) = buffered(response).await;
    Response::from_parts(parts, Body::new(TruncatedBody::Start(full)))
}

/// Returns the head of a response without its length, and the whole body.
async fn buffered(response: Response) -> (Parts, Bytes) {
    let (mut parts, body) = response.into_parts();
    let full = to_bytes(body, MAX_RESPONSE_BYTES).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, full)
}

/// A body that yields its bytes and then an error.
enum TruncatedBody {
    Start(Bytes),
    /// On an error the server drops bytes it has not sent yet. Yielding once lets it send them.
    Pause,
    Broken,
}

impl HttpBody for TruncatedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Start(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Pause;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Pause => {
                *self = Self::Broken;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken => {
                let error = std::io::Error::other("connection dropped by an injected fault");
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

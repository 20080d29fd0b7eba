//! A connection that breaks in the middle of an answer: the platform has done its work, and the
//! caller never learns what came of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame};

/// More than any answer here holds.
const LONGEST_ANSWER: usize = 4 << 20;

/// The same answer, promising its whole length and breaking off after half of it.
pub(crate) async fn in_half(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, LONGEST_ANSWER).await.unwrap_or_default();
    // Without a length the answer is chunked, so that even an empty one can break off.
    parts.headers.remove(header::CONTENT_LENGTH);
    if !whole.is_empty() {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    }
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(parts, Body::new(Cut::Half(half)))
}

/// A body that yields its bytes, and then an error instead of an end.
enum Cut {
    Half(Bytes),
    /// The server breaks off without sending what it still holds, so it is given a turn to send the
    /// half.
    Pause,
    Broken,
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Half(half) => {
                let half = std::mem::take(half);
                *self = Self::Pause;
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            Self::Pause => {
                *self = Self::Broken;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken => {
                let cut = std::io::Error::other("the sandbox cuts this connection on request");
                Poll::Ready(Some(Err(cut)))
            }
        }
    }
}

//! The body of a form that a browser sends.

use std::time::Duration;

use axum::extract::Request;
use futures_util::StreamExt;

use crate::body::{MAX_BODY_BYTES, too_large};
use crate::problem::ApiError;

/// The largest form that is received to the end, in bytes.
const MAX_DROPPED_BYTES: usize = 32 * 1024 * 1024;

/// How long a form is received.
const MAX_RECEIVE_TIME: Duration = Duration::from_secs(10);

/// The body of a form.
pub(crate) enum Form {
    Whole(Vec<u8>),
    /// The beginning of a body that is larger than 64 KiB. The rest was received and dropped.
    TooLarge(Vec<u8>),
}

/// Reads the body of a form. What exceeds the limit is received too, up to 32 MiB and for 10
/// seconds, because browsers show no response before they have sent their request.
///
/// # Errors
///
/// `PAYLOAD_TOO_LARGE` if the connection ended early or exceeds these limits.
pub(crate) async fn read_form(request: Request) -> Result<Form, ApiError> {
    let mut stream = request.into_body().into_data_stream();
    let (mut body, mut length) = (Vec::new(), 0);
    let receive = async {
        while let Some(part) = stream.next().await {
            let part = part.map_err(|_| too_large())?;
            length += part.len();
            let room = MAX_BODY_BYTES - body.len();
            body.extend(part.iter().take(room));
            if length > MAX_DROPPED_BYTES {
                return Err(too_large());
            }
        }
        Ok(())
    };
    match tokio::time::timeout(MAX_RECEIVE_TIME, receive).await {
        Ok(received) => received?,
        Err(_) => return Err(too_large()),
    }
    if length > MAX_BODY_BYTES {
        Ok(Form::TooLarge(body))
    } else {
        Ok(Form::Whole(body))
    }
}

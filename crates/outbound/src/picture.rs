//! Fetches pictures of accounts and posts on behalf of users, so that a provider never sees the
//! user's IP address.
//!
//! The provider chooses the URL of a picture, so the URL is untrusted: only public hosts
//! over HTTPS are allowed, or an origin at which Evergrant already calls the provider. The first
//! bytes of the response must identify a raster image; a vector image may contain a script.

use http::Method;
use url::Url;

use crate::network_policy::policy_violation;
use crate::{HttpClient, Reach, Request, RequestError};

/// A raster image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The media type, such as `image/png`.
    pub media_type: &'static str,
    /// The image file.
    pub bytes: Vec<u8>,
}

/// Why a picture could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The URL points to a private network. Nothing was sent.
    #[error("the picture's address points to a private network")]
    PrivateNetwork,
    /// The response is not a raster image of at most [`crate::HttpLimits::body_bytes`].
    #[error("the provider's response is not a supported image")]
    NotAnImage {
        /// The HTTP status of the response; `None` if `address` is not a valid URL.
        status: Option<u16>,
    },
    /// No complete response arrived.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl HttpClient {
    /// Fetches the picture at `address`, which a provider stated. Origins in `trusted` may be
    /// private, because Evergrant calls the provider itself there.
    ///
    /// # Errors
    ///
    /// - `PrivateNetwork` if `address` is not allowed.
    /// - `NotAnImage` if `address` is not a URL or the response is not a raster image.
    /// - `Request` if no complete response arrives.
    pub async fn picture(&self, address: &str, trusted: &[&Url]) -> Result<Picture, PictureError> {
        let url = Url::parse(address).map_err(|_| PictureError::NotAnImage { status: None })?;
        let is_trusted = trusted
            .iter()
            .any(|trusted| trusted.origin() == url.origin());
        if !is_trusted && policy_violation(&url).is_some() {
            return Err(PictureError::PrivateNetwork);
        }
        let reach = if is_trusted {
            Reach::Anywhere
        } else {
            Reach::PublicOnly
        };
        let accept = "image/avif, image/webp, image/png, image/jpeg, image/gif";
        let response = self
            .send(Request {
                accept,
                ..Request::new(Method::GET, &url, reach)
            })
            .await?;
        let media_type = raster_type(&response.body).filter(|_| response.is_success());
        let no_image = PictureError::NotAnImage {
            status: Some(response.status),
        };
        Ok(Picture {
            media_type: media_type.ok_or(no_image)?,
            bytes: response.body.to_vec(),
        })
    }
}

/// Returns the media type of a raster image, by its first bytes; `None` for anything else.
fn raster_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'a',
            b'v',
            b'i',
            b'f' | b's',
            ..,
        ] => Some("image/avif"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_is_recognised_by_first_bytes_and_vector_is_rejected() {
        let avif = b"\0\0\0\x20ftypavif\0\0\0\0";
        for (bytes, media_type) in [
            (&b"\x89PNG\r\n\x1a\n..."[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a;", Some("image/gif")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (avif, Some("image/avif")),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<html>", None),
            (b"", None),
        ] {
            assert_eq!(raster_type(bytes), media_type, "{bytes:?}");
        }
    }
}

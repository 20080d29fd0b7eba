//! Pictures of accounts and posts, fetched for people so that their own addresses never reach a
//! platform.
//!
//! Where a picture lies is the platform's word, so the address is judged like that of a stranger:
//! public hosts by https alone, or an origin at which the platform itself is called. What comes
//! back is judged by its first bytes: a raster image or nothing, since a vector image may hold a
//! script.

use http::Method;
use url::Url;

use crate::network_policy::objection;
use crate::{HttpClient, Reach, Request, RequestError};

/// A raster image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, such as `image/png`.
    pub media_type: &'static str,
    /// Its file.
    pub bytes: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The address leads to a private network. Nothing was sent.
    #[error("the platform names a picture on a private network")]
    PrivateNetwork,
    /// There is no raster image of at most [`crate::HttpLimits::body_bytes`].
    #[error("the platform has no picture that can be passed on")]
    NotAnImage {
        /// The HTTP status; `None` where the address is none.
        status: Option<u16>,
    },
    /// No whole response came.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl HttpClient {
    /// Fetches the picture that a platform says is at `address`. The hosts of `trusted` may be
    /// private: the platform itself is called there.
    ///
    /// # Errors
    ///
    /// See [`PictureError`].
    pub async fn picture(&self, address: &str, trusted: &[&Url]) -> Result<Picture, PictureError> {
        let url = Url::parse(address).map_err(|_| PictureError::NotAnImage { status: None })?;
        let is_trusted = trusted
            .iter()
            .any(|trusted| trusted.origin() == url.origin());
        if !is_trusted && objection(&url).is_some() {
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
    fn a_picture_is_told_by_its_first_bytes_and_a_vector_is_none() {
        let avif = b"\0\0\0\x20ftypavif\0\0\0\0";
        for (bytes, told) in [
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
            assert_eq!(raster_type(bytes), told, "{bytes:?}");
        }
    }
}

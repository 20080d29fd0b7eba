//! Pictures of accounts and posts, fetched for people so that their own addresses never reach a platform.
//!
//! Where a picture lies is the platform's word, so the address is judged like that of a stranger: public hosts by https
//! alone, or an origin at which the platform itself is called. What comes back is judged by its first bytes: a raster
//! image or nothing, since a vector image may hold a script.

use reqwest::Method;
use url::Url;

use crate::http::{Call, HttpClient, Reach};
use crate::network::objection;
use crate::{AdapterError, ErrorClass, ProviderSpec};

/// A raster image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, such as `image/png`.
    pub media_type: &'static str,
    /// Its file.
    pub bytes: Vec<u8>,
}

impl HttpClient {
    /// Fetches the picture that a platform says is at `address`.
    ///
    /// # Errors
    ///
    /// `ConfigError` for an address that is not ours to call, `Unknown` for what is no raster image of at most 1 MiB.
    pub(crate) async fn picture(&self, spec: &ProviderSpec, address: &str) -> Result<Picture, AdapterError> {
        let url = Url::parse(address).map_err(|_| no_picture())?;
        let reach = if is_called(spec, &url) { Reach::Anywhere } else { Reach::PublicOnly };
        if reach == Reach::PublicOnly && objection(&url).is_some() {
            let what = "the platform names a picture on a private network";
            return Err(AdapterError::new(ErrorClass::ConfigError, what).surely_unprocessed());
        }
        let call = Call {
            method: Method::GET,
            url: &url,
            reach,
            accept: "image/avif, image/webp, image/png, image/jpeg, image/gif",
            body: None,
            credentials: Vec::new(),
            user_agent: None,
        };
        let reply = self.send(call).await?;
        let media_type = raster_type(&reply.body).filter(|_| reply.is_success());
        let Some(media_type) = media_type else { return Err(no_picture().with_status(reply.status)) };
        Ok(Picture { media_type, bytes: reply.body.to_vec() })
    }
}

/// Whether the platform itself is called at this origin.
fn is_called(spec: &ProviderSpec, url: &Url) -> bool {
    let endpoints = spec.engine.client.as_ref().map(|client| &client.endpoints);
    let called = endpoints.map(|endpoints| [&endpoints.token, &endpoints.userinfo]);
    let mut called = called.into_iter().flatten().chain(&spec.engine.session_check);
    called.any(|called| called.origin() == url.origin())
}

fn raster_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some("image/avif"),
        _ => None,
    }
}

fn no_picture() -> AdapterError {
    AdapterError::new(ErrorClass::Unknown, "the platform has no picture that can be passed on")
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

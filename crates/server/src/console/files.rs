//! The files of the built console, as `build.rs` has found them.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use evergrant_encryption::digest::{base64url, sha256};

/// One file.
pub(super) struct File {
    /// Its path below the root, such as `assets/index-1a2b.js`.
    name: &'static str,
    /// What it holds.
    pub(super) plain: &'static [u8],
    /// The same, compressed with brotli, where that is smaller.
    pub(super) pressed: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Each file and its tag, by name.
static BY_NAME: LazyLock<HashMap<&str, (&File, HeaderValue)>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|file| (file.name, (file, file.made_tag())))
        .collect()
});

/// A file, and the tag of what it holds.
pub(super) type Found = (&'static File, &'static HeaderValue);

/// The file of this name.
pub(super) fn find(name: &str) -> Option<Found> {
    BY_NAME.get(name).map(|(file, tag)| (*file, tag))
}

impl File {
    fn made_tag(&self) -> HeaderValue {
        let tag = format!("\"{}\"", base64url(sha256(self.plain)));
        HeaderValue::from_str(&tag).unwrap_or_else(|_| unreachable!("url-safe text is a header's"))
    }

    /// Its media type, by its ending.
    pub(super) fn media_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json" | "map") => "application/json",
            Some("woff2") => "font/woff2",
            Some("png") => "image/png",
            _ => "application/octet-stream",
        }
    }
}

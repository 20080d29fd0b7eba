//! The files of the built console, which `build.rs` includes in the program.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use evergrant_encryption::digest::{base64url, sha256};

/// One file of the console.
pub(super) struct File {
    /// Path below the root, such as `assets/index-1a2b.js`.
    name: &'static str,
    /// Uncompressed content.
    pub(super) plain: &'static [u8],
    /// Content compressed with brotli; `None` if that is not smaller.
    pub(super) brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Each file and its entity tag, by name.
static BY_NAME: LazyLock<HashMap<&str, (&File, HeaderValue)>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|file| (file.name, (file, file.compute_tag())))
        .collect()
});

/// A file and its entity tag.
pub(super) type TaggedFile = (&'static File, &'static HeaderValue);

/// Returns the file with this name.
pub(super) fn find(name: &str) -> Option<TaggedFile> {
    BY_NAME.get(name).map(|(file, tag)| (*file, tag))
}

impl File {
    fn compute_tag(&self) -> HeaderValue {
        let tag = format!("\"{}\"", base64url(sha256(self.plain)));
        HeaderValue::from_str(&tag)
            .unwrap_or_else(|_| unreachable!("base64url is valid in a header"))
    }

    /// Returns the media type for the file's extension.
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

//! The files of the built console, which `build.rs` includes in the program.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::HeaderValue;
use evergrant_encryption::digest::{base64url, sha256};

/// One file of the console, as `build.rs` writes it.
struct File {
    /// Path below the root, such as `assets/index-1a2b.js`.
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// What a file consists of, in the forms that are served.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) media_type: &'static str,
    /// Entity tag: a hash of the uncompressed content.
    pub(super) tag: HeaderValue,
    /// Uncompressed content.
    pub(super) plain: Cow<'static, [u8]>,
    /// Content compressed with brotli; `None` if that is not smaller.
    pub(super) brotli: Option<&'static [u8]>,
}

/// The content of each file, by name.
static BY_NAME: LazyLock<HashMap<&str, Content>> = LazyLock::new(|| {
    let content = |file: &File| {
        Content::new(
            media_type(file.name),
            Cow::Borrowed(file.plain),
            file.brotli,
        )
    };
    FILES
        .iter()
        .map(|file| (file.name, content(file)))
        .collect()
});

/// Returns the content of the file with this name.
pub(super) fn find(name: &str) -> Option<&'static Content> {
    BY_NAME.get(name)
}

impl Content {
    pub(super) fn new(
        media_type: &'static str,
        plain: Cow<'static, [u8]>,
        brotli: Option<&'static [u8]>,
    ) -> Self {
        let tag = format!("\"{}\"", base64url(sha256(&plain)));
        let tag = HeaderValue::from_str(&tag)
            .unwrap_or_else(|_| unreachable!("base64url is valid in a header"));
        Self {
            media_type,
            tag,
            plain,
            brotli,
        }
    }
}

/// Returns the media type for the file's extension.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
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

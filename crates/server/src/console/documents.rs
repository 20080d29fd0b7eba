//! The console's HTML documents, with addresses below the path of the public URL.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use evergrant_service::PublicUrl;

use super::files::{self, Content};

/// Document of every page except [`RETURN`].
const INDEX: &str = "index.html";
/// Document that flows redirect the browser to after consent.
const RETURN: &str = "return.html";
/// Document of a program that was built without the console.
const NOT_BUILT: &str = include_str!("not_built.html");

/// The documents of a console at one public URL. Clones are cheap.
#[derive(Clone)]
pub(super) struct Documents {
    /// `None` if the console was not built.
    built: Option<Arc<Built>>,
    not_built: Arc<str>,
}

/// The documents of a built console.
pub(super) struct Built {
    pub(super) index: Content,
    pub(super) returned: Content,
}

impl Documents {
    pub(super) fn at(public_url: &PublicUrl) -> Self {
        let base = public_url.base_path();
        let document = |name| files::find(name).map(|content| below(base, content));
        let built = document(INDEX).zip(document(RETURN));
        Self {
            built: built.map(|(index, returned)| Arc::new(Built { index, returned })),
            not_built: with_base(base, NOT_BUILT).into(),
        }
    }

    /// Returns the response for the document that `select` returns; for a program that was built
    /// without the console, the page that says so.
    pub(super) fn respond(
        &self,
        select: fn(&Built) -> &Content,
        response: impl FnOnce(&Content) -> Response,
    ) -> Response {
        match self.built.as_deref() {
            Some(built) => response(select(built)),
            None => (StatusCode::NOT_FOUND, Html(self.not_built.to_string())).into_response(),
        }
    }
}

/// Returns a document whose addresses are below `base`. At the root of a host it is the built
/// document itself, with its compressed form.
fn below(base: &str, document: &Content) -> Content {
    match std::str::from_utf8(&document.plain) {
        Ok(html) if !base.is_empty() => {
            let rewritten = with_base(base, html).into_bytes();
            Content::new(document.media_type, Cow::Owned(rewritten), None)
        }
        _ => document.clone(),
    }
}

/// Returns the HTML with `base` in front of every attribute that is a path. Scripts and style
/// sheets need no change: they refer to each other by relative addresses, and read `base` from the
/// document.
fn with_base(base: &str, html: &str) -> String {
    html.replace("=\"/", &format!("=\"{base}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_document_is_below_the_public_url() {
        let documents = Documents::at(&PublicUrl::parse("https://a.example/x/grants").unwrap());
        let built = documents.built.as_deref();
        let built = built.expect("run `npm ci && npm run build` in web/");
        for (document, count) in [(&built.index, 6), (&built.returned, 4)] {
            let html = std::str::from_utf8(&document.plain).unwrap();
            let addresses: Vec<_> = html.split("=\"/").skip(1).collect();
            assert!(addresses.len() >= count, "{html}");
            for address in addresses {
                assert!(address.starts_with("x/grants/"), "{address}");
            }
            assert!(
                html.contains(r#"<meta name="base" content="/x/grants/""#),
                "{html}"
            );
            assert!(
                document.brotli.is_none(),
                "the compressed form has the other addresses"
            );
        }
        assert!(documents.not_built.contains("\"/x/grants/docs/\""));
    }

    #[test]
    fn document_at_the_root_of_a_host_is_the_built_one() {
        let documents = Documents::at(&PublicUrl::parse("https://a.example").unwrap());
        let built = documents.built.as_deref();
        let index = &built.expect("run `npm ci && npm run build` in web/").index;
        assert_eq!(index.plain, files::find(INDEX).unwrap().plain);
        assert!(index.brotli.is_some());
    }
}

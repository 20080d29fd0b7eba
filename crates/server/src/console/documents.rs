//! The console's HTML documents, with addresses below the path of the public URL.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use evergrant_api::{App, LOGO_PATH};
use evergrant_service::PublicUrl;

use super::files::{self, Content};

/// Document of every page except [`RETURN`].
const INDEX: &str = "index.html";
/// Document that flows redirect the browser to after consent.
const RETURN: &str = "return.html";
/// The name of the app in a built document.
const BUILT_NAME: &str = r#"name="app-name" content="Evergrant""#;
/// The place for the path of the app's logo in a built document.
const BUILT_LOGO: &str = r#"name="app-logo" content="""#;
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
    pub(super) fn at(public_url: &PublicUrl, app: &App) -> Self {
        let base = public_url.base_path();
        let document = |name| files::find(name).map(|content| completed(content, base, app));
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

/// Returns a document whose addresses are below `base`, with the name and logo of the app. At the
/// root of a host and without name and logo, it is the built document itself, with its compressed
/// form.
fn completed(document: &Content, base: &str, app: &App) -> Content {
    let is_built = base.is_empty() && app.name.is_none() && app.logo.is_none();
    match std::str::from_utf8(&document.plain) {
        Ok(html) if !is_built => {
            let rewritten = with_base(base, &with_app(app, html)).into_bytes();
            Content::new(document.media_type, Cow::Owned(rewritten), None)
        }
        _ => document.clone(),
    }
}

/// Returns the HTML with the app's name in the place of Evergrant's, and the path of its logo.
fn with_app(app: &App, html: &str) -> String {
    let mut html = html.to_owned();
    if let Some(name) = &app.name {
        let name = maud::html! { (name) }.into_string();
        html = html.replace(BUILT_NAME, &format!(r#"name="app-name" content="{name}""#));
        let title = format!("<title>{name}</title>");
        html = html.replace("<title>Evergrant</title>", &title);
    }
    if app.logo.is_some() {
        let place = format!(r#"name="app-logo" content="{LOGO_PATH}""#);
        html = html.replace(BUILT_LOGO, &place);
    }
    html
}

/// Returns the HTML with `base` in front of every attribute that is a path. Scripts and style
/// sheets need no change: they refer to each other by relative addresses, and read `base` from the
/// document.
fn with_base(base: &str, html: &str) -> String {
    html.replace("=\"/", &format!("=\"{base}/"))
}

#[cfg(test)]
mod tests {
    use evergrant_api::Logo;

    use super::*;

    fn documents(public_url: &str, app: &App) -> Documents {
        Documents::at(&PublicUrl::parse(public_url).unwrap(), app)
    }

    #[test]
    fn documents_have_the_name_and_the_logo_of_the_app() {
        let app = App {
            name: Some("Fern & <Vale>".to_owned()),
            logo: Some(Logo {
                content: b"<svg/>".to_vec(),
                media_type: "image/svg+xml",
            }),
        };
        let documents = documents("https://a.example/x", &app);
        let built = documents.built.as_deref();
        let built = built.expect("run `npm ci && npm run build` in web/");
        for document in [&built.index, &built.returned] {
            let html = std::str::from_utf8(&document.plain).unwrap();
            for text in [
                "<title>Fern &amp; &lt;Vale&gt;</title>",
                r#"<meta name="app-name" content="Fern &amp; &lt;Vale&gt;""#,
                r#"<meta name="app-logo" content="/x/app-logo""#,
            ] {
                assert!(html.contains(text), "{text} is not in {html}");
            }
        }
    }

    #[test]
    fn every_address_of_a_document_is_below_the_public_url() {
        let documents = documents("https://a.example/x/grants", &App::default());
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
        let documents = documents("https://a.example", &App::default());
        let built = documents.built.as_deref();
        let index = &built.expect("run `npm ci && npm run build` in web/").index;
        assert_eq!(index.plain, files::find(INDEX).unwrap().plain);
        assert!(index.brotli.is_some());
    }
}

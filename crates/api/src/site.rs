//! The app to which the service belongs, as its users see it on Evergrant's pages.

use std::fmt;

use evergrant_service::ServiceSettings;
use url::Url;

/// Path of the app's logo, below the public URL.
pub const LOGO_PATH: &str = "/app-logo";

/// The name and logo of the app.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// The app's name. `None`: Evergrant's name; a page of a flow names the host of its
    /// `redirectUrl`.
    pub name: Option<String>,
    /// The app's logo. `None`: Evergrant's.
    pub logo: Option<Logo>,
}

/// A picture.
#[derive(Clone)]
pub struct Logo {
    /// Content of the file.
    pub content: Vec<u8>,
    /// Media type of the content, such as `image/svg+xml`.
    pub media_type: &'static str,
}

impl fmt::Debug for Logo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, media_type) = (self.content.len(), self.media_type);
        write!(formatter, "Logo({media_type}, {size} bytes)")
    }
}

/// What every page of the service shows.
pub(crate) struct Site {
    pub(crate) app: App,
    /// Path of the app's logo below the public URL.
    pub(crate) logo_path: Option<String>,
    /// The app's page that is the default `redirectUrl`. `None` if no redirect is allowed.
    pub(crate) home: Option<Url>,
}

impl Site {
    pub(crate) fn new(app: App, settings: &ServiceSettings) -> Self {
        let public_url = &settings.public_url;
        let home = settings.allowed_redirects.first();
        Self {
            logo_path: app.logo.is_some().then(|| public_url.path_of(LOGO_PATH)),
            home: home.filter(|url| !public_url.is(url)).cloned(),
            app,
        }
    }

    /// Returns the app's name; without one, the host of the app's page at `url`.
    pub(crate) fn name_at(&self, url: &str) -> String {
        let host = || Url::parse(url).ok()?.host_str().map(str::to_owned);
        let name = self.app.name.clone().or_else(host);
        name.unwrap_or_else(|| "the app".to_owned())
    }
}

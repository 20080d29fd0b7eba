//! The listeners of `dev`, and the URLs under which they are reachable.

use std::net::Ipv4Addr;

use evergrant_service::PublicUrl;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::listener;
use crate::settings::{Listen, Settings};

/// The bound listeners.
pub(super) struct Listeners {
    pub(super) public: TcpListener,
    /// `None` if the private listener is switched off.
    pub(super) admin: Option<TcpListener>,
    pub(super) sandbox: TcpListener,
    pub(super) public_url: PublicUrl,
    pub(super) urls: Urls,
}

/// Base URLs of the other listeners, without a trailing slash.
pub(super) struct Urls {
    pub(super) sandbox: String,
    /// `None` if the private listener is switched off.
    pub(super) admin: Option<String>,
}

impl Listeners {
    /// Binds all listeners. A default port that is in use is replaced by the next free one.
    ///
    /// # Errors
    ///
    /// A failure if an address cannot be bound.
    pub(super) async fn bind(settings: &Settings, sandbox: &Listen) -> Result<Self, Failure> {
        let server = &settings.server;
        let public = listener::bind_or_next_port(&server.listen, "EVERGRANT_LISTEN").await?;
        let sandbox = listener::bind_or_next_port(sandbox, "EVERGRANT_SANDBOX_LISTEN").await?;
        let admin = match &server.admin_listen {
            Some(listen) => {
                Some(listener::bind_or_next_port(listen, "EVERGRANT_ADMIN_LISTEN").await?)
            }
            None => None,
        };
        let public_url = public_url(settings, &public)?;
        let admin_address = admin.as_ref().map(listener::local_address).transpose()?;
        let urls = Urls {
            sandbox: format!("http://{}", listener::local_address(&sandbox)?),
            admin: admin_address.map(|address| format!("http://{address}")),
        };
        Ok(Self {
            public,
            admin,
            sandbox,
            public_url,
            urls,
        })
    }
}

/// Returns the configured public URL. The default uses the name `localhost` if the listener is
/// bound to 127.0.0.1.
fn public_url(settings: &Settings, listener: &TcpListener) -> Result<PublicUrl, Failure> {
    let bound = listener::local_address(listener)?;
    let default = if bound.ip() == Ipv4Addr::LOCALHOST {
        PublicUrl::parse(&format!("http://localhost:{}", bound.port())).ok()
    } else {
        None
    };
    let configured = settings.server.public_url.clone();
    let url = configured
        .or(default)
        .or_else(|| settings.server.public_url_at(bound));
    url.ok_or_else(|| Failure::new("EVERGRANT_PUBLIC_URL is not set", ""))
}

//! The TLS parameters of a PostgreSQL URL, with the meaning that they have for libpq.

use std::path::PathBuf;

use sqlx::postgres::PgSslMode;

use super::refusal::invalid;
use crate::StoreError;

/// The values of `sslmode`, weakest first.
const MODES: [(&str, PgSslMode); 6] = [
    ("disable", PgSslMode::Disable),
    ("allow", PgSslMode::Allow),
    ("prefer", PgSslMode::Prefer),
    ("require", PgSslMode::Require),
    ("verify-ca", PgSslMode::VerifyCa),
    ("verify-full", PgSslMode::VerifyFull),
];

/// Value of `sslrootcert` for the certificate authorities of the operating system.
const SYSTEM: &str = "system";

/// The parameters as they were set.
#[derive(Default)]
pub(super) struct TlsParameters {
    mode: Option<PgSslMode>,
    root_certificate: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    /// Prisma's `sslaccept=strict`.
    is_strict: bool,
    /// `channel_binding=require`.
    requires_channel_binding: bool,
}

/// How connections are encrypted.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    mode: PgSslMode,
    pub(crate) root_certificate: Option<PathBuf>,
    /// The certificate and the key of this client.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl TlsParameters {
    /// Sets a parameter. Returns `false` if it is not about TLS.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<bool, StoreError> {
        match name {
            "sslmode" => self.mode = Some(mode(value)?),
            "ssl" => self.mode = Some(switch(value)?),
            "sslrootcert" => self.root_certificate = Some(value.to_owned()),
            "sslcert" => self.client_certificate = Some(value.to_owned()),
            "sslkey" => self.client_key = Some(value.to_owned()),
            "sslaccept" => self.is_strict = accept(value)?,
            "channel_binding" => self.requires_channel_binding = channel_binding(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn finish(self) -> Result<Tls, StoreError> {
        let is_system = self.root_certificate.as_deref() == Some(SYSTEM);
        let mode = match self.mode {
            None if is_system || self.is_strict => PgSslMode::VerifyFull,
            None => PgSslMode::Prefer,
            Some(PgSslMode::Prefer | PgSslMode::Require) if self.is_strict => PgSslMode::VerifyFull,
            Some(mode) => mode,
        };
        let is_verified = matches!(mode, PgSslMode::VerifyFull);
        if is_system && !is_verified {
            return Err(invalid("sslrootcert=system requires sslmode=verify-full"));
        }
        if self.requires_channel_binding && !is_verified {
            return Err(invalid(
                "channel_binding=require is not supported; sslmode=verify-full protects against the same attack",
            ));
        }
        let client = match (self.client_certificate, self.client_key) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => {
                return Err(invalid(
                    "sslcert and sslkey, the certificate and the key of this client, must be set together; \
                     sslrootcert is the certificate authority of the server",
                ));
            }
        };
        Ok(Tls {
            mode,
            root_certificate: self
                .root_certificate
                .filter(|_| !is_system)
                .map(PathBuf::from),
            client,
        })
    }
}

impl Tls {
    /// Returns the modes in which a connection is tried, in order. As for libpq, `allow` and
    /// `prefer` try both with and without TLS, and a root certificate is always verified.
    pub(crate) fn attempts(&self) -> Vec<PgSslMode> {
        let encrypted = match self.mode {
            PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require
                if self.root_certificate.is_some() =>
            {
                PgSslMode::VerifyCa
            }
            PgSslMode::Allow => PgSslMode::Require,
            mode => mode,
        };
        match self.mode {
            PgSslMode::Allow => vec![PgSslMode::Disable, encrypted],
            PgSslMode::Prefer => vec![encrypted, PgSslMode::Disable],
            _ => vec![encrypted],
        }
    }

    /// Checks that the files can be read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`], which names the parameter.
    pub(crate) fn check_files(&self) -> Result<(), StoreError> {
        let client = self.client.as_ref();
        let files = [
            ("sslrootcert", self.root_certificate.as_ref()),
            ("sslcert", client.map(|(certificate, _)| certificate)),
            ("sslkey", client.map(|(_, key)| key)),
        ];
        for (name, path) in files {
            let Some(path) = path else { continue };
            std::fs::File::open(path).map_err(|error| {
                invalid(format!("{name}: cannot read {}: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}

fn mode(value: &str) -> Result<PgSslMode, StoreError> {
    let found = MODES.iter().find(|(name, _)| *name == value);
    found.map(|(_, mode)| *mode).ok_or_else(|| {
        let names: Vec<_> = MODES.iter().map(|(name, _)| *name).collect();
        invalid(format!("sslmode must be one of {}", names.join(", ")))
    })
}

fn switch(value: &str) -> Result<PgSslMode, StoreError> {
    match value {
        "true" => Ok(PgSslMode::Require),
        _ => Err(invalid("ssl must be true; use sslmode for other values")),
    }
}

fn accept(value: &str) -> Result<bool, StoreError> {
    match value {
        "strict" => Ok(true),
        "accept_invalid_certs" => Ok(false),
        _ => Err(invalid("sslaccept must be strict or accept_invalid_certs")),
    }
}

fn channel_binding(value: &str) -> Result<bool, StoreError> {
    match value {
        "disable" | "prefer" => Ok(false),
        "require" => Ok(true),
        _ => Err(invalid(
            "channel_binding must be disable, prefer or require",
        )),
    }
}

//! The app says that a platform has refused a token which should have worked.
//!
//! A thousand reports of one token are one renewal: the reported token is compared with the one that is held, and only
//! where they are the same is there anything to do. A token that was renewed a moment ago is not renewed for having been
//! refused: what refuses it will refuse the next one too.

use evergrant_adapters::ProviderKind;
use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{AccessToken, ConnectionStatus, CorrelationId, ErrorCode, Timestamp, UserId};

use crate::ServiceError;
use crate::read::is_renewable;
use crate::refresh::Demand;
use crate::service::IntegrationsService;
use crate::session_checks::{Checked, Occasion};

/// A younger token is not renewed for having been refused.
const YOUNG_SECONDS: i64 = 60;

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// A newer token than the reported one was there already: read it.
    Superseded,
    /// The token was renewed: read it.
    Renewed,
    /// The platform was asked, and says that the session holds.
    Confirmed,
    /// The session cannot be renewed, and the platform could not be asked about it or is not believed yet.
    Unconfirmed,
    /// The token is too young for a renewal to help: the refusal has another cause.
    TooYoung,
}

/// What came of a report, and when the token that is held now ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// What was done.
    pub outcome: Reported,
    /// When the token ends that is held now; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
}

impl IntegrationsService {
    /// Takes note that the platform has refused this token of the user's connection.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `RECONNECT_REQUIRED` where the grant has ended;
    /// `NO_REFRESH_TOKEN` where nothing could renew it; or whatever kept the platform from renewing it.
    pub async fn report_refused_token(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
        token: &AccessToken,
        correlation_id: &CorrelationId,
    ) -> Result<Report, ServiceError> {
        let platform = self.platform(provider)?;
        let spec = platform.spec();
        let held = self.held_anew(user, spec, account).await?;
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        let report = |outcome| Ok(Report { outcome, expires_at: held.expires_at });
        let is_held = match &held.access_token {
            Some(sealed) => {
                let current = self.open_access(sealed)?;
                constant_time_eq(current.expose().as_bytes(), token.expose().as_bytes())
            }
            None => false,
        };
        if !is_held {
            return report(Reported::Superseded);
        }
        if held.issued_at.is_some_and(|at| self.now().seconds_since(at) < YOUNG_SECONDS) {
            return report(Reported::TooYoung);
        }
        if spec.kind == ProviderKind::Cookies {
            return match self.check_session(&platform, &held, Occasion::Reported).await? {
                Checked::Holds => report(Reported::Confirmed),
                Checked::Unsure => report(Reported::Unconfirmed),
                Checked::Ended => Err(ServiceError::reconnect_required(&spec.name)),
            };
        }
        if !is_renewable(&held, spec) {
            let detail = format!("{} gives nothing to renew this token with.", spec.name);
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        let renewed = self.renew(&held, spec, correlation_id, Demand::Refused).await?;
        Ok(Report { outcome: Reported::Renewed, expires_at: renewed.expires_at })
    }
}

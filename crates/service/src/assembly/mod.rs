//! Assembly of the service: builds each component with its dependencies.

mod access;
mod authorization;
mod jobs;
mod refresh;
mod rows;

use std::sync::Arc;

use evergrant_model::Clock;

use self::refresh::Refresh;
use self::rows::Rows;
use crate::access::api_keys::ApiKeys;
use crate::access::authenticator::Authenticator;
use crate::access::console_session::ConsoleSessions;
use crate::access::sessions::Sessions;
use crate::access::users::Users;
use crate::authorization::authorizations::Authorizations;
use crate::authorization::callback::Callbacks;
use crate::authorization::start::FlowStarter;
use crate::base::Base;
use crate::connections::avatars::Avatars;
use crate::connections::disconnect::Disconnector;
use crate::connections::list::ConnectionList;
use crate::events::user_events::UserEventStreams;
use crate::identifiers::Identifiers;
use crate::parts::ServiceParts;
use crate::process::Process;
use crate::providers::Providers;
use crate::settings::ServiceSettings;
use crate::tokens::access_token::AccessTokens;
use crate::tokens::last_used::LastUsed;
use crate::tokens::report_rejected::RejectedTokens;

/// The components behind the façade.
pub(crate) struct Components {
    pub(crate) flow_starter: FlowStarter,
    pub(crate) callbacks: Callbacks,
    pub(crate) authorizations: Authorizations,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) rejected_tokens: RejectedTokens,
    pub(crate) connections: Arc<ConnectionList>,
    pub(crate) disconnector: Disconnector,
    pub(crate) avatars: Arc<Avatars>,
    pub(crate) events: UserEventStreams,
    pub(crate) providers: Providers,
    pub(crate) users: Users,
    pub(crate) api_keys: Arc<ApiKeys>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) console: ConsoleSessions,
    pub(crate) authenticator: Authenticator,
    pub(crate) process: Process,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Components {
    /// Builds all components.
    pub(crate) fn assemble(parts: ServiceParts) -> Self {
        let base = Base::new(parts);
        let rows = Rows::new(&base);
        let refresh = Refresh::new(&base, &rows);
        let last_used = Arc::new(LastUsed::new(
            base.store.connections(),
            Arc::clone(&base.clock),
        ));
        let consents = authorization::consents(&base, &rows);
        let (api_keys, sessions) = (access::api_keys(&base), access::sessions(&base));
        Self {
            flow_starter: authorization::flow_starter(&base),
            callbacks: authorization::callbacks(&base, &rows, &consents),
            authorizations: authorization::authorizations(&base, &rows, &consents),
            process: jobs::process(&base, &rows, &refresh, &last_used),
            access_tokens: refresh.access_tokens(&base, &rows, last_used),
            rejected_tokens: refresh.rejected_tokens(&base, &rows),
            disconnector: rows.disconnector(&base),
            events: rows.user_events(&base),
            users: access::users(&base, &rows),
            console: access::console(&base, &sessions),
            authenticator: Authenticator {
                api_keys: Arc::clone(&api_keys),
                sessions: Arc::clone(&sessions),
            },
            connections: rows.list,
            avatars: rows.avatars,
            providers: base.providers,
            settings: base.settings,
            ids: base.ids,
            clock: base.clock,
            api_keys,
            sessions,
        }
    }
}

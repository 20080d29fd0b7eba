//! Assembly of authentication, users and credentials.

use std::sync::Arc;

use super::rows::Rows;
use crate::access::api_keys::ApiKeys;
use crate::access::console_session::ConsoleSessions;
use crate::access::sessions::Sessions;
use crate::access::users::Users;
use crate::base::Base;

pub(super) fn api_keys(base: &Base) -> Arc<ApiKeys> {
    Arc::new(ApiKeys {
        keys: base.store.api_keys(),
        caches: Arc::clone(&base.caches),
        database: Arc::clone(&base.database),
        ids: base.ids.clone(),
        clock: Arc::clone(&base.clock),
        tasks: base.tasks.clone(),
        recorder: Arc::clone(&base.recorder),
    })
}

pub(super) fn sessions(base: &Base) -> Arc<Sessions> {
    Arc::new(Sessions {
        repository: base.store.sessions(),
        users: base.store.users(),
        caches: Arc::clone(&base.caches),
        database: Arc::clone(&base.database),
        ids: base.ids.clone(),
        clock: Arc::clone(&base.clock),
    })
}

pub(super) fn console(base: &Base, sessions: &Arc<Sessions>) -> ConsoleSessions {
    ConsoleSessions {
        links: base.store.sessions(),
        sessions: Arc::clone(sessions),
        ids: base.ids.clone(),
        clock: Arc::clone(&base.clock),
        recorder: Arc::clone(&base.recorder),
        settings: Arc::clone(&base.settings),
    }
}

pub(super) fn users(base: &Base, rows: &Rows) -> Users {
    Users {
        repository: base.store.users(),
        connections: base.store.connections(),
        external_rows: Arc::clone(&rows.external),
        revocations: Arc::clone(&rows.revocations),
        providers: base.providers.clone(),
        caches: Arc::clone(&base.caches),
        database: Arc::clone(&base.database),
        clock: Arc::clone(&base.clock),
        tasks: base.tasks.clone(),
        recorder: Arc::clone(&base.recorder),
    }
}

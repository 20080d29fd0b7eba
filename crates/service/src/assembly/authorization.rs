//! Assembly of the authorization flows.

use std::sync::Arc;

use super::rows::Rows;
use crate::authorization::authorizations::Authorizations;
use crate::authorization::callback::Callbacks;
use crate::authorization::consents::Consents;
use crate::authorization::exchange::CodeExchanger;
use crate::authorization::failure::FlowFailures;
use crate::authorization::finish::FlowFinisher;
use crate::authorization::session_credentials::SessionCredentials;
use crate::authorization::start::FlowStarter;
use crate::base::Base;

pub(super) fn flow_starter(base: &Base) -> FlowStarter {
    FlowStarter {
        flows: base.store.flows(),
        users: base.store.users(),
        connections: base.store.connections(),
        providers: base.providers.clone(),
        encryption: base.encryption.clone(),
        settings: Arc::clone(&base.settings),
        ids: base.ids.clone(),
        clock: Arc::clone(&base.clock),
        recorder: Arc::clone(&base.recorder),
    }
}

pub(super) fn consents(base: &Base, rows: &Rows) -> Arc<Consents> {
    Arc::new(Consents {
        flows: base.store.flows(),
        connections: base.store.connections(),
        revocations: Arc::clone(&rows.revocations),
        timing: base.timing.clone(),
        encryption: base.encryption.clone(),
        caches: Arc::clone(&base.caches),
        settings: Arc::clone(&base.settings),
        clock: Arc::clone(&base.clock),
        recorder: Arc::clone(&base.recorder),
    })
}

pub(super) fn callbacks(base: &Base, rows: &Rows, consents: &Arc<Consents>) -> Callbacks {
    Callbacks {
        flows: base.store.flows(),
        exchanger: Arc::new(CodeExchanger {
            consents: Arc::clone(consents),
            providers: base.providers.clone(),
            encryption: base.encryption.clone(),
            revocations: Arc::clone(&rows.revocations),
            refused: base.refused_grants(),
            settings: Arc::clone(&base.settings),
            ids: base.ids.clone(),
            clock: Arc::clone(&base.clock),
        }),
        failures: failures(base),
        clock: Arc::clone(&base.clock),
        tasks: base.tasks.clone(),
    }
}

fn failures(base: &Base) -> FlowFailures {
    FlowFailures {
        flows: base.store.flows(),
        clock: Arc::clone(&base.clock),
        recorder: Arc::clone(&base.recorder),
    }
}

pub(super) fn authorizations(base: &Base, rows: &Rows, consents: &Arc<Consents>) -> Authorizations {
    Authorizations {
        finisher: FlowFinisher {
            flows: base.store.flows(),
            consents: Arc::clone(consents),
            revocations: Arc::clone(&rows.revocations),
            providers: base.providers.clone(),
            list: Arc::clone(&rows.list),
            clock: Arc::clone(&base.clock),
            tasks: base.tasks.clone(),
        },
        credentials: SessionCredentials {
            flows: base.store.flows(),
            consents: Arc::clone(consents),
            failures: failures(base),
            providers: base.providers.clone(),
            encryption: base.encryption.clone(),
            list: Arc::clone(&rows.list),
            ids: base.ids.clone(),
            clock: Arc::clone(&base.clock),
            tasks: base.tasks.clone(),
        },
    }
}

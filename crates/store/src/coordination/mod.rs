//! State that replicas share through the database.

pub(crate) mod call_rates;
pub(crate) mod provider_blocks;
pub(crate) mod refusals;
pub(crate) mod replicas;

pub use call_rates::{CallRateRepository, StoredCallRate};
pub use provider_blocks::{ProviderBlock, ProviderBlockRepository};
pub use refusals::{NewRefusal, RefusalRepository, Refusals, RefusedSubject};
pub use replicas::ReplicaRepository;

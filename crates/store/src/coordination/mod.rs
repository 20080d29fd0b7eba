//! State that replicas share through the database.

pub(crate) mod provider_blocks;
pub(crate) mod refusals;
pub(crate) mod replicas;

pub use provider_blocks::{ProviderBlock, ProviderBlockRepository};
pub use refusals::{NewRefusal, RefusalRepository, Refusals, RefusedSubject};
pub use replicas::ReplicaRepository;

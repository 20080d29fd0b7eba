//! What the process does about itself before it holds a secret: no core dumps, and room for many
//! connections.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Keeps the memory out of core dumps and other processes' sight, and lifts the soft limit on open
/// files to the hard one. A system that forbids either still runs the program.
pub(crate) fn harden() {
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, no_core).is_err()
        || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err()
    {
        tracing::warn!("core dumps could not be switched off");
    }
    let files = getrlimit(Resource::Nofile);
    if setrlimit(
        Resource::Nofile,
        Rlimit {
            current: files.maximum,
            ..files
        },
    )
    .is_err()
    {
        tracing::debug!("the limit on open files stays as it is");
    }
}

//! Process limits that are set before the process holds a secret: no core dumps, and the maximum
//! number of open files.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Disables core dumps and access by debuggers, and raises the soft limit on open files to the hard
/// limit. Failures are logged and otherwise ignored.
pub(crate) fn harden() {
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, no_core).is_err()
        || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err()
    {
        tracing::warn!("failed to disable core dumps");
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
        tracing::debug!("failed to raise the limit on open files");
    }
}

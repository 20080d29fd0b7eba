//! The resources that a process uses.

use std::fmt;
use std::fs;

/// Memory and files of a process.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    /// Resident memory in KiB.
    pub(super) memory_kib: u64,
    /// Number of open files and sockets.
    pub(super) files: usize,
}

impl Usage {
    /// Returns what the process with this id uses.
    pub(super) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = memory.unwrap().trim().strip_suffix(" kB").unwrap();
        Self {
            memory_kib: kib.parse().unwrap(),
            files: fs::read_dir(format!("/proc/{process}/fd")).unwrap().count(),
        }
    }

    /// Returns the most of each resource.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            memory_kib: self.memory_kib.max(other.memory_kib),
            files: self.files.max(other.files),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} KiB {:>3} files", self.memory_kib, self.files)
    }
}

//! The parts of which a session consists.

/// A part of a session. The order is that of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Sess,
    AuthId,
    UserAgent,
    XBc,
    AuthUid,
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Sess,
        Self::AuthId,
        Self::UserAgent,
        Self::XBc,
        Self::AuthUid,
    ];

    /// Returns the name of the part's field in the form.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Sess => "sess",
            Self::AuthId => "auth_id",
            Self::UserAgent => "user_agent",
            Self::XBc => "x_bc",
            Self::AuthUid => "auth_uid_",
        }
    }

    pub(crate) fn is_required(self) -> bool {
        self != Self::AuthUid
    }
}

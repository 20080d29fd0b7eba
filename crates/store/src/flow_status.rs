//! How far a flow has come, as a word that the database and answers share.

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// How far a flow has come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FlowStatus {
            $($(#[$doc])* $variant,)*
        }

        impl FlowStatus {
            /// The word in answers and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    /// The user is at the platform, or on the way back.
    Waiting = "waiting",
    /// The user consented; the browser that began it must finish it and say which accounts.
    Choose = "choose",
    /// The user consented; the browser that began it must finish it.
    Pending = "pending",
    /// Done.
    Connected = "connected",
    /// Over, for the reason in the code.
    Error = "error",
}

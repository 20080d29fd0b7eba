//! How far a flow has come, as a word that the database and answers share.

evergrant_model::string_enum! {
    /// How far a flow has come.
    pub enum FlowStatus {
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
}

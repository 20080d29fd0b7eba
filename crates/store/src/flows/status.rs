//! The status of a flow. The database and API responses use the same strings.

evergrant_model::string_enum! {
    /// The status of a flow.
    pub enum FlowStatus {
        /// Waits for the callback: the user is at the provider.
        Waiting = "waiting",
        /// The user consented and must choose among several accounts; the browser that started the
        /// flow finishes it.
        Choose = "choose",
        /// The user consented; the browser that started the flow must finish it.
        Pending = "pending",
        /// The connections are stored.
        Connected = "connected",
        /// Failed; the error code says why.
        Error = "error",
    }
}

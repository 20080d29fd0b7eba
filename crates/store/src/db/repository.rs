//! The macro that defines repositories.

/// Defines a repository: a cheap handle to the database with the queries of one aggregate.
macro_rules! repository {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A clone uses the same database.
        #[derive(Clone, Debug)]
        pub struct $name {
            pub(crate) database: std::sync::Arc<crate::db::database::Database>,
        }

        impl $name {
            pub(crate) fn new(database: &std::sync::Arc<crate::db::database::Database>) -> Self {
                Self { database: std::sync::Arc::clone(database) }
            }
        }
    };
}
pub(crate) use repository;

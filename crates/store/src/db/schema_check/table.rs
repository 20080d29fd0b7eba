//! A shared table as it was found in the database.

/// The shared tables that were found, and facts about the database.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tables: Vec<Table>,
    /// Faults that concern no table.
    pub(super) others: Vec<super::SchemaFault>,
}

/// A table or another relation with the name of a shared table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// Whether it is a table, and not a view or a foreign table.
    pub(super) is_ordinary: bool,
    pub(super) columns: Vec<Column>,
    /// The columns of each unique index that holds for all rows, sorted.
    pub(super) unique: Vec<Vec<String>>,
    /// Names of all indexes.
    pub(super) indexes: Vec<String>,
    pub(super) foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// The type as the database writes it, such as `character varying(255)`.
    pub(super) kind: String,
    pub(super) is_required: bool,
    /// How a row gets a value that an INSERT does not give.
    pub(super) default: Default,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Default {
    /// Not at all.
    None,
    /// By a default or a sequence.
    Value,
    /// By the database only: an INSERT may not give the value.
    Always,
}

#[derive(Debug)]
pub(super) struct ForeignKey {
    /// Name of the constraint; empty on SQLite.
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// The table that is referenced, with its schema if it is not in the search path.
    pub(super) table: String,
    pub(super) deletes: bool,
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn has_unique(&self, columns: &[&str]) -> bool {
        self.unique.iter().any(|unique| unique == columns)
    }
}

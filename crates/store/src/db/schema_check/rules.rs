//! The comparison of the tables that were found with those that Evergrant needs.

use super::columns::{Expected, ExpectedColumn, ExpectedTable};
use super::fault::SchemaFault;
use super::table::{Column, Default, ForeignKey, Found, Table};
use super::types::{Kind, is_number};
use crate::db::dialect::Dialect;

/// The columns whose combination identifies an account, sorted.
const ACCOUNT_KEY: [&str; 2] = ["provider", "provider_account_id"];
const ACCOUNT_INDEX: &str = "oauth_accounts_provider_provider_account_id_key";

/// Returns all faults. A table that does not exist has none: migrations create it.
pub(super) fn faults(found: &Found, expected: &Expected) -> Vec<SchemaFault> {
    let mut faults = found.others.clone();
    for wanted in &expected.tables {
        let Some(table) = found.tables.iter().find(|table| table.name == wanted.name) else {
            continue;
        };
        if table.is_ordinary {
            Comparison {
                table,
                wanted,
                owner_key: owner_key(found),
                dialect: expected.dialect,
            }
            .collect(&mut faults);
        } else {
            faults.push(not_a_table(table, expected.dialect));
        }
    }
    faults
}

fn not_a_table(table: &Table, dialect: Dialect) -> SchemaFault {
    let name = &table.name;
    let fix = match dialect {
        Dialect::Postgres => OWN_SCHEMA,
        Dialect::Sqlite => "use another file: Evergrant needs a table",
    };
    SchemaFault::new(format!("{name} is not a table; it must be a table"), fix)
}

/// What helps on PostgreSQL where no statement can convert a column.
const OWN_SCHEMA: &str = "CREATE SCHEMA evergrant; -- and add ?schema=evergrant to DATABASE_URL";

struct Comparison<'a> {
    table: &'a Table,
    wanted: &'a ExpectedTable,
    /// The foreign key by which accounts refer to users.
    owner_key: Option<&'a ForeignKey>,
    dialect: Dialect,
}

fn owner_key(found: &Found) -> Option<&ForeignKey> {
    let accounts = found
        .tables
        .iter()
        .find(|table| table.name == "oauth_accounts")?;
    accounts
        .foreign_keys
        .iter()
        .find(|key| key.columns == ["user_id"])
}

impl Comparison<'_> {
    /// Whether the type and the constraints of an existing column can be changed.
    fn can_alter(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    fn collect(&self, faults: &mut Vec<SchemaFault>) {
        faults.extend(self.missing_columns());
        for wanted in self.wanted.columns {
            if let Some(column) = self.table.column(wanted.name) {
                faults.extend(self.type_fault(wanted, column));
                faults.extend(self.null_fault(wanted, column));
                faults.extend(self.default_fault(wanted, column));
            }
        }
        faults.extend(self.unknown_required_columns());
        faults.extend(self.key_faults());
    }

    /// Returns one fault for all missing columns, with one statement that adds them.
    fn missing_columns(&self) -> Option<SchemaFault> {
        let is_missing = |wanted: &&ExpectedColumn| {
            !(self.can_alter() && wanted.is_added) && self.table.column(wanted.name).is_none()
        };
        let missing: Vec<_> = self.wanted.columns.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return None;
        }
        let (name, names) = (
            &self.table.name,
            join(missing.iter().map(|column| column.name)),
        );
        let message =
            format!("the table {name} exists with other columns; these are missing: {names}");
        let added = missing
            .iter()
            .map(|column| format!("ADD COLUMN {} {}", column.name, column.definition));
        let fix = if self.can_alter() {
            format!("ALTER TABLE {name} {};", join(added))
        } else {
            let statements = added.map(|added| format!("ALTER TABLE {name} {added};"));
            statements.collect::<Vec<_>>().join(" ")
        };
        Some(SchemaFault::new(message, fix))
    }

    fn type_fault(&self, wanted: &ExpectedColumn, column: &Column) -> Option<SchemaFault> {
        let expected = wanted.kind.mismatch(&column.kind, self.dialect)?;
        let (table, name) = (&self.table.name, wanted.name);
        let found = if column.kind.is_empty() {
            "no type"
        } else {
            &column.kind
        };
        let message = format!("the column {table}.{name} is {found}; it must be {expected}");
        Some(SchemaFault::new(
            message,
            self.type_fix(wanted, &column.kind, &expected),
        ))
    }

    fn type_fix(&self, wanted: &ExpectedColumn, found: &str, expected: &str) -> String {
        let (table, name) = (&self.table.name, wanted.name);
        let alter = format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {expected}");
        match wanted.kind {
            _ if !self.can_alter() => {
                format!("create the table {table} again: SQLite cannot change the type of a column")
            }
            Kind::Id | Kind::Int if is_number(found) => {
                format!("{}{alter};", self.detach_accounts(found))
            }
            Kind::Id | Kind::Int => OWN_SCHEMA.to_owned(),
            kind => format!("{alter} USING {};", kind.conversion(name, found)),
        }
    }

    /// Returns the statement that removes the foreign key of the accounts if it keeps one of its
    /// columns from being changed: a numeric cannot refer to an integer. Once both columns are
    /// integers, the key is reported as missing.
    fn detach_accounts(&self, found: &str) -> String {
        let key = self.owner_key.filter(|_| found.starts_with("numeric"));
        key.map(|key| {
            let name = quoted(&key.name);
            format!("ALTER TABLE oauth_accounts DROP CONSTRAINT IF EXISTS {name}; ")
        })
        .unwrap_or_default()
    }

    /// A column in which Evergrant stores NULL must accept it.
    fn null_fault(&self, wanted: &ExpectedColumn, column: &Column) -> Option<SchemaFault> {
        if !wanted.may_be_null || !column.is_required {
            return None;
        }
        let (table, name) = (&self.table.name, wanted.name);
        let message = format!(
            "the column {table}.{name} is NOT NULL; Evergrant stores NULL where a value is unknown"
        );
        Some(SchemaFault::new(message, self.drop_not_null(name)))
    }

    fn default_fault(&self, wanted: &ExpectedColumn, column: &Column) -> Option<SchemaFault> {
        let (table, name) = (&self.table.name, wanted.name);
        match (wanted.kind, column.default) {
            (Kind::Id, Default::None) if self.can_alter() && is_number(&column.kind) => {
                Some(SchemaFault::new(
                    format!(
                        "the column {table}.{name} has no default; the database must generate ids"
                    ),
                    generate_ids(table, name),
                ))
            }
            (Kind::Id, Default::Always) => Some(SchemaFault::new(
                format!(
                    "the column {table}.{name} is GENERATED ALWAYS; an INSERT must be able to give the id"
                ),
                format!("ALTER TABLE {table} ALTER COLUMN {name} SET GENERATED BY DEFAULT;"),
            )),
            (_, Default::Always) => Some(SchemaFault::new(
                format!("the column {table}.{name} is GENERATED ALWAYS; Evergrant writes it"),
                format!("ALTER TABLE {table} ALTER COLUMN {name} DROP EXPRESSION;"),
            )),
            _ => None,
        }
    }

    /// Columns that Evergrant does not know, and without which an INSERT fails.
    fn unknown_required_columns(&self) -> impl Iterator<Item = SchemaFault> {
        let is_known = |name: &str| self.wanted.columns.iter().any(|column| column.name == name);
        let blocks_inserts = move |column: &&Column| {
            column.is_required && column.default == Default::None && !is_known(&column.name)
        };
        self.table.columns.iter().filter(blocks_inserts).map(|column| {
            let (table, name) = (&self.table.name, &column.name);
            let message = format!(
                "the column {table}.{name} is unknown to Evergrant, NOT NULL and without a default; every INSERT would \
                 fail"
            );
            SchemaFault::new(message, self.drop_not_null(&quoted(name)))
        })
    }

    fn drop_not_null(&self, column: &str) -> String {
        let table = &self.table.name;
        if self.can_alter() {
            format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;")
        } else {
            format!(
                "create the table {table} again without NOT NULL: SQLite cannot change a column"
            )
        }
    }

    fn key_faults(&self) -> Vec<SchemaFault> {
        let mut faults = Vec::new();
        faults.extend(self.primary_key_fault());
        if self.table.name == "oauth_accounts" {
            faults.extend(self.account_index_fault());
            faults.extend(self.owner_fault());
        }
        faults
    }

    fn primary_key_fault(&self) -> Option<SchemaFault> {
        let (table, id) = (&self.table.name, self.table.column("id")?);
        if self.table.has_unique(&["id"]) {
            return None;
        }
        let message = format!("the column {table}.{} is not the primary key", id.name);
        let fix = if self.can_alter() {
            format!("ALTER TABLE {table} ADD PRIMARY KEY (id);")
        } else {
            format!("create the table {table} again with id INTEGER PRIMARY KEY")
        };
        Some(SchemaFault::new(message, fix))
    }

    /// Migrations create the unique index of accounts, unless its name is taken.
    fn account_index_fault(&self) -> Option<SchemaFault> {
        let is_taken = self
            .table
            .indexes
            .iter()
            .any(|index| index == ACCOUNT_INDEX);
        if self.table.has_unique(&ACCOUNT_KEY) || !is_taken {
            return None;
        }
        Some(SchemaFault::new(
            format!(
                "the index {ACCOUNT_INDEX} is not a unique index of (provider, provider_account_id)"
            ),
            // The index may belong to a constraint, such as a deferrable one.
            format!(
                "ALTER TABLE oauth_accounts DROP CONSTRAINT IF EXISTS {ACCOUNT_INDEX}; DROP INDEX IF EXISTS \
                 {ACCOUNT_INDEX};"
            ),
        ))
    }

    /// Deleting a user must delete the user's accounts.
    fn owner_fault(&self) -> Option<SchemaFault> {
        const REFERENCE: &str =
            "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE";
        let owner = self
            .table
            .foreign_keys
            .iter()
            .find(|key| key.columns == ["user_id"]);
        let (found, name) = match owner {
            Some(key) if key.table == "users" && key.deletes => return None,
            Some(key) => {
                let table = &key.table;
                (
                    format!("references {table} in another way"),
                    key.name.as_str(),
                )
            }
            None => ("has no foreign key".to_owned(), ""),
        };
        self.table.column("user_id")?;
        let message = format!(
            "the column oauth_accounts.user_id {found}; it must reference users (id) ON DELETE CASCADE"
        );
        let fix = if !self.can_alter() {
            format!("create the table oauth_accounts again with {REFERENCE}")
        } else if name.is_empty() {
            format!("ALTER TABLE oauth_accounts ADD {REFERENCE};")
        } else {
            format!(
                "ALTER TABLE oauth_accounts DROP CONSTRAINT {}, ADD {REFERENCE};",
                quoted(name)
            )
        };
        Some(SchemaFault::new(message, fix))
    }
}

/// Returns the statements that let a sequence generate ids above those of existing rows. Unlike an
/// identity, a default serves for a column of a domain too.
fn generate_ids(table: &str, column: &str) -> String {
    let sequence = format!("{table}_{column}_seq");
    format!(
        "CREATE SEQUENCE IF NOT EXISTS {sequence}; ALTER SEQUENCE {sequence} OWNED BY {table}.{column}; SELECT \
         setval('{sequence}', (SELECT COALESCE(MAX({column}), 0) + 1 FROM {table})::bigint, false); ALTER TABLE {table} \
         ALTER COLUMN {column} SET DEFAULT nextval('{sequence}');"
    )
}

fn quoted(name: &str) -> String {
    let is_plain = name
        .bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn join(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<_> = names.map(|name| name.as_ref().to_owned()).collect();
    names.join(", ")
}

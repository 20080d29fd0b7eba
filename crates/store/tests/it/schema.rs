//! The shared tables on both databases match `docs/schema.prisma`.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres, on_sqlite};

on_postgres!(
    postgresql_columns_match_documentation,
    postgresql_indexes_match_documentation
);
on_sqlite!(
    sqlite_columns_match_documentation,
    sqlite_indexes_match_documentation
);
on_both_databases!(added_columns_are_optional);

const SCHEMA: &str = include_str!("../../../../docs/schema.prisma");

/// A documented column, with its types on both databases.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    postgres: String,
    sqlite: &'static str,
    nullable: bool,
    has_default: bool,
}

#[derive(Debug, Default)]
struct Table {
    columns: BTreeMap<String, Column>,
    /// The columns of each index, and whether it is unique.
    indexes: BTreeSet<(Vec<String>, bool)>,
}

/// Returns the documented tables by name.
fn documented() -> BTreeMap<String, Table> {
    let models = SCHEMA.split("\nmodel ").skip(1);
    let tables: BTreeMap<_, _> = models.map(read_model).collect();
    assert_eq!(
        tables.keys().collect::<Vec<_>>(),
        ["oauth_accounts", "users"]
    );
    tables
}

fn read_model(model: &str) -> (String, Table) {
    let lines: Vec<_> = model
        .lines()
        .skip(1)
        .take_while(|line| *line != "}")
        .map(without_comment)
        .collect();
    let names: BTreeMap<_, _> = lines
        .iter()
        .filter_map(|line| read_field(line).map(|(field, name, _)| (field, name)))
        .collect();
    let (mut table, mut title) = (Table::default(), String::new());
    for line in &lines {
        if let Some((_, name, column)) = read_field(line) {
            if line.contains("@unique") || line.contains("@id") {
                table.indexes.insert((vec![name.clone()], true));
            }
            table.columns.insert(name, column);
        } else if let Some(fields) =
            between(line, "@@unique([", "])").or(between(line, "@@index([", "])"))
        {
            let columns = fields
                .split(", ")
                .map(|field| names[field].clone())
                .collect();
            table.indexes.insert((columns, line.contains("@@unique")));
        } else if let Some(name) = between(line, "@@map(\"", "\")") {
            name.clone_into(&mut title);
        }
    }
    (title, table)
}

fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or_default().trim()
}

/// Parses a field: its name in Prisma, its name in the database, and the column. `None` for
/// relations.
fn read_field(line: &str) -> Option<(&str, String, Column)> {
    let mut words = line.split_whitespace();
    let (field, kind) = (words.next()?, words.next()?);
    let nullable = kind.ends_with('?');
    let kind = kind.trim_end_matches('?');
    let native =
        between(line, "@db.", " ").unwrap_or_else(|| line.split("@db.").nth(1).unwrap_or_default());
    let (postgres, sqlite) = types(kind, native)?;
    let name = between(line, " @map(\"", "\")").unwrap_or(field).to_owned();
    Some((
        field,
        name,
        Column {
            postgres,
            sqlite,
            nullable,
            has_default: line.contains("@default("),
        },
    ))
}

/// Returns the type on PostgreSQL, as `format_type` prints it, and the type on SQLite; `None` for
/// relations.
fn types(kind: &str, native: &str) -> Option<(String, &'static str)> {
    let length = between(native, "(", ")").unwrap_or_default();
    match (kind, native.split('(').next().unwrap_or_default()) {
        ("Int", "") => Some(("integer".to_owned(), "INTEGER")),
        ("String", "Text") => Some(("text".to_owned(), "TEXT")),
        ("String", "VarChar") => Some((format!("character varying({length})"), "TEXT")),
        ("DateTime", "Timestamp") => {
            Some((format!("timestamp({length}) without time zone"), "INTEGER"))
        }
        ("Json", "JsonB") => Some(("jsonb".to_owned(), "TEXT")),
        ("Int" | "String" | "DateTime" | "Json", _) => {
            panic!("{kind} {native}: unknown type")
        }
        _ => None,
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// Describes the columns like the queries of the tests do: `name|type|nullable|default`.
fn describe(table: &Table, kind: impl Fn(&Column) -> String) -> BTreeSet<String> {
    let line = |(name, column): (&String, &Column)| {
        format!(
            "{name}|{}|{}|{}",
            kind(column),
            column.nullable,
            column.has_default
        )
    };
    table.columns.iter().map(line).collect()
}

async fn postgresql_columns_match_documentation(database: TestDatabase) {
    for (name, table) in documented() {
        let list = format!(
            "SELECT attname || '|' || format_type(atttypid, atttypmod) || '|' || (NOT attnotnull) || '|' || atthasdef
            FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attnum > 0 AND NOT attisdropped"
        );
        let found: BTreeSet<_> = database.texts(&list).await.into_iter().collect();
        assert_eq!(
            found,
            describe(&table, |column| column.postgres.clone()),
            "{name}"
        );
    }
}

async fn sqlite_columns_match_documentation(database: TestDatabase) {
    drop(database.store().await);
    for (name, table) in documented() {
        // SQLite reports an INTEGER PRIMARY KEY as nullable without default, which it is not.
        let list = format!(
            "SELECT name || '|' || type || '|' || iif(\"notnull\" OR pk, 'false', 'true') || '|'
                || iif(dflt_value IS NOT NULL OR pk, 'true', 'false')
            FROM pragma_table_info('{name}')"
        );
        let found: BTreeSet<_> = database.texts(&list).await.into_iter().collect();
        assert_eq!(
            found,
            describe(&table, |column| column.sqlite.to_owned()),
            "{name}"
        );
    }
}

async fn postgresql_indexes_match_documentation(database: TestDatabase) {
    for (name, table) in documented() {
        let list = format!(
            "SELECT i.indisunique || '|' || string_agg(a.attname, ',' ORDER BY array_position(i.indkey, a.attnum))
            FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
            WHERE i.indrelid = '{name}'::regclass GROUP BY i.indexrelid, i.indisunique"
        );
        assert_eq!(indexes(&database, &list).await, table.indexes, "{name}");
    }
}

async fn sqlite_indexes_match_documentation(database: TestDatabase) {
    drop(database.store().await);
    for (name, mut table) in documented() {
        // An INTEGER PRIMARY KEY has no index.
        assert!(table.indexes.remove(&(vec!["id".to_owned()], true)));
        let list = format!(
            "SELECT iif(l.\"unique\", 'true', 'false') || '|' || group_concat(i.name, ',' ORDER BY i.seqno)
            FROM pragma_index_list('{name}') l, pragma_index_info(l.name) i GROUP BY l.name"
        );
        assert_eq!(indexes(&database, &list).await, table.indexes, "{name}");
    }
}

async fn indexes(database: &TestDatabase, list: &str) -> BTreeSet<(Vec<String>, bool)> {
    let read = |line: String| {
        let (unique, columns) = line.split_once('|').unwrap();
        (
            columns.split(',').map(str::to_owned).collect(),
            unique == "true",
        )
    };
    database.texts(list).await.into_iter().map(read).collect()
}

/// The host application inserts rows without the columns that Evergrant adds.
async fn added_columns_are_optional(database: TestDatabase) {
    drop(database.store().await);
    let added: Vec<_> = SCHEMA
        .lines()
        .filter(|line| line.contains("// Evergrant:"))
        .filter_map(read_field)
        .collect();
    assert_eq!(added.len(), 2);
    for (field, name, column) in added {
        assert!(column.nullable || column.has_default, "{field}");
        let of_users = database.columns("users").await.contains(&name);
        let of_accounts = database.columns("oauth_accounts").await.contains(&name);
        assert!(of_users || of_accounts, "{name}");
    }
}

//! Reads the shared tables of a SQLite database.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::table::{Column, Default, ForeignKey, Found, Table};
use crate::StoreError;

const TABLES: &str = "SELECT name, type FROM sqlite_master
    WHERE name COLLATE NOCASE IN ('users', 'oauth_accounts') AND type IN ('table', 'view')";
const COLUMNS: &str =
    "SELECT name, type, \"notnull\" AS required, dflt_value, pk FROM pragma_table_info($1)";
const INDEXES: &str = "SELECT list.name AS name, list.\"unique\" = 1 AND list.partial = 0 AS is_whole, info.name AS column_name
    FROM pragma_index_list($1) AS list, pragma_index_info(list.name) AS info ORDER BY list.name, info.name";
const FOREIGN_KEYS: &str = "SELECT id, \"table\" AS referenced, \"from\" AS column_name, on_delete FROM pragma_foreign_key_list($1) ORDER BY id";

/// Reads the shared tables that exist.
pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for row in sqlx::raw_sql(TABLES).fetch_all(&mut *connection).await? {
        let name = row.try_get::<String, _>("name")?.to_ascii_lowercase();
        let (columns, has_id_key) = columns(connection, &name).await?;
        let mut table = Table {
            is_ordinary: row.try_get::<String, _>("type")? == "table",
            columns,
            unique: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: foreign_keys(connection, &name).await?,
            name,
        };
        if has_id_key {
            table.unique.push(vec!["id".to_owned()]);
        }
        read_indexes(connection, &mut table).await?;
        found.tables.push(table);
    }
    Ok(found)
}

async fn rows(
    connection: &mut SqliteConnection,
    sql: &'static str,
    table: &str,
) -> Result<Vec<SqliteRow>, StoreError> {
    Ok(sqlx::query(sql)
        .bind(table.to_owned())
        .fetch_all(connection)
        .await?)
}

/// Returns the columns, and whether `id` alone is the primary key.
async fn columns(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<(Vec<Column>, bool), StoreError> {
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    for row in rows(connection, COLUMNS, table).await? {
        let name: String = row.try_get("name")?;
        let has_default = row.try_get::<Option<String>, _>("dflt_value")?.is_some();
        let is_key = row.try_get::<i64, _>("pk")? > 0;
        if is_key {
            keys.push(name.clone());
        }
        columns.push(Column {
            kind: row.try_get("type")?,
            is_required: row.try_get::<i64, _>("required")? == 1,
            default: if has_default || is_key {
                Default::Value
            } else {
                Default::None
            },
            name,
        });
    }
    Ok((columns, keys == ["id"]))
}

async fn read_indexes(
    connection: &mut SqliteConnection,
    table: &mut Table,
) -> Result<(), StoreError> {
    for row in rows(connection, INDEXES, &table.name).await? {
        let (name, is_whole) = (
            row.try_get("name")?,
            row.try_get::<i64, _>("is_whole")? == 1,
        );
        let is_new = table.indexes.last() != Some(&name);
        if is_new {
            table.indexes.push(name);
        }
        // An expression of an index has no name.
        let Some(column) = row.try_get::<Option<String>, _>("column_name")? else {
            continue;
        };
        match table.unique.last_mut() {
            Some(columns) if !is_new && is_whole => columns.push(column),
            _ if is_whole => table.unique.push(vec![column]),
            _ => {}
        }
    }
    Ok(())
}

async fn foreign_keys(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<ForeignKey>, StoreError> {
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for row in rows(connection, FOREIGN_KEYS, table).await? {
        let (id, column) = (row.try_get("id")?, row.try_get("column_name")?);
        match keys.last_mut() {
            Some((last, key)) if *last == id => key.columns.push(column),
            _ => keys.push((
                id,
                ForeignKey {
                    name: String::new(),
                    columns: vec![column],
                    table: row.try_get::<String, _>("referenced")?.to_ascii_lowercase(),
                    deletes: row.try_get::<String, _>("on_delete")? == "CASCADE",
                },
            )),
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

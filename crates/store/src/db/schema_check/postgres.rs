//! Reads the shared tables of a PostgreSQL database from its catalogue.
//!
//! The queries have no parameters and use the simple query protocol, so that they work through any
//! pooler. They return text only.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::fault::SchemaFault;
use super::table::{Column, Default, ForeignKey, Found, Table};
use crate::StoreError;

const SCHEMAS: &str = "
    SELECT COALESCE(current_schema()::text, '') AS current, current_setting('search_path') AS path";

const TABLES: &str = "
    SELECT c.relname::text AS name, n.nspname::text AS schema, c.relkind::text AS kind
    FROM (VALUES ('users'), ('oauth_accounts')) wanted(name)
    JOIN pg_class c ON c.oid = to_regclass(wanted.name)
    JOIN pg_namespace n ON n.oid = c.relnamespace";

/// A domain counts as its base type.
const COLUMNS: &str = "
    SELECT a.attname::text AS name, (a.attnotnull OR t.typnotnull)::text AS required,
        CASE WHEN a.attidentity = 'a' OR a.attgenerated <> '' THEN 'always'
            WHEN a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL THEN 'value' ELSE 'none' END AS fallback,
        CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
            ELSE format_type(a.atttypid, a.atttypmod) END AS kind,
        c.relname::text AS of_table
    FROM (VALUES ('users'), ('oauth_accounts')) wanted(name)
    JOIN pg_class c ON c.oid = to_regclass(wanted.name)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    ORDER BY a.attnum";

/// One row for each key column of an index. `is_whole` holds if the index is unique, valid and
/// immediate for all rows.
const INDEXES: &str = "
    SELECT c.relname::text AS of_table, x.relname::text AS name, a.attname::text AS column_name,
        (i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL)::text
            AS is_whole
    FROM (VALUES ('users'), ('oauth_accounts')) wanted(name)
    JOIN pg_class c ON c.oid = to_regclass(wanted.name)
    JOIN pg_index i ON i.indrelid = c.oid
    JOIN pg_class x ON x.oid = i.indexrelid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
        AND array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts
    ORDER BY x.relname, a.attname";

const FOREIGN_KEYS: &str = "
    SELECT k.conname::text AS name, k.confrelid::regclass::text AS referenced, (k.confdeltype = 'c')::text AS deletes,
        (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a
            WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS column_names
    FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = to_regclass('oauth_accounts')";

/// Reads the shared tables that the search path finds.
pub(super) async fn read(connection: &mut PgConnection) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let schemas = sqlx::raw_sql(SCHEMAS).fetch_one(&mut *connection).await?;
    let current = text(&schemas, "current")?;
    if current.is_empty() {
        found.others.push(no_schema(&text(&schemas, "path")?));
        return Ok(found);
    }
    for row in rows(connection, TABLES).await? {
        let (name, schema) = (text(&row, "name")?, text(&row, "schema")?);
        if schema != current {
            found.others.push(other_schema(&name, &schema, &current));
        }
        found.tables.push(Table {
            name,
            is_ordinary: matches!(text(&row, "kind")?.as_str(), "r" | "p"),
            columns: Vec::new(),
            unique: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
        });
    }
    read_columns(connection, &mut found.tables).await?;
    read_indexes(connection, &mut found.tables).await?;
    read_foreign_keys(connection, &mut found.tables).await?;
    Ok(found)
}

/// None of the schemas of the search path exists, so a table cannot be created.
fn no_schema(path: &str) -> SchemaFault {
    let mut names = path.split(',').map(str::trim);
    let name = names.find(|name| *name != "\"$user\"").unwrap_or("public");
    SchemaFault::new(
        format!("the schema {name} does not exist"),
        format!("CREATE SCHEMA {name};"),
    )
}

/// Migrations would create a second table in the current schema.
fn other_schema(table: &str, schema: &str, current: &str) -> SchemaFault {
    SchemaFault::new(
        format!(
            "the table {table} is in the schema {schema}, but new tables are created in the schema {current}"
        ),
        format!(
            "add ?schema={schema} to DATABASE_URL, or ?schema={current} for tables of Evergrant's own"
        ),
    )
}

async fn read_columns(
    connection: &mut PgConnection,
    tables: &mut [Table],
) -> Result<(), StoreError> {
    for row in rows(connection, COLUMNS).await? {
        let column = Column {
            name: text(&row, "name")?,
            kind: text(&row, "kind")?,
            is_required: text(&row, "required")? == "true",
            default: match text(&row, "fallback")?.as_str() {
                "always" => Default::Always,
                "value" => Default::Value,
                _ => Default::None,
            },
        };
        if let Some(table) = table_of(&row, tables)? {
            table.columns.push(column);
        }
    }
    Ok(())
}

async fn read_indexes(
    connection: &mut PgConnection,
    tables: &mut [Table],
) -> Result<(), StoreError> {
    for row in rows(connection, INDEXES).await? {
        let (name, is_whole) = (text(&row, "name")?, text(&row, "is_whole")? == "true");
        let column = row.try_get::<Option<String>, _>("column_name")?;
        let Some(table) = table_of(&row, tables)? else {
            continue;
        };
        let is_new = table.indexes.last() != Some(&name);
        if is_new {
            table.indexes.push(name);
        }
        let Some(column) = column.filter(|_| is_whole) else {
            continue;
        };
        match table.unique.last_mut() {
            Some(columns) if !is_new => columns.push(column),
            _ => table.unique.push(vec![column]),
        }
    }
    Ok(())
}

async fn read_foreign_keys(
    connection: &mut PgConnection,
    tables: &mut [Table],
) -> Result<(), StoreError> {
    let Some(accounts) = tables
        .iter_mut()
        .find(|table| table.name == "oauth_accounts")
    else {
        return Ok(());
    };
    for row in rows(connection, FOREIGN_KEYS).await? {
        accounts.foreign_keys.push(ForeignKey {
            name: text(&row, "name")?,
            columns: text(&row, "column_names")?
                .split(',')
                .map(str::to_owned)
                .collect(),
            table: text(&row, "referenced")?,
            deletes: text(&row, "deletes")? == "true",
        });
    }
    Ok(())
}

fn table_of<'t>(row: &PgRow, tables: &'t mut [Table]) -> Result<Option<&'t mut Table>, StoreError> {
    let name = text(row, "of_table")?;
    Ok(tables.iter_mut().find(|table| table.name == name))
}

async fn rows(connection: &mut PgConnection, sql: &'static str) -> Result<Vec<PgRow>, StoreError> {
    Ok(sqlx::raw_sql(sql).fetch_all(connection).await?)
}

fn text(row: &PgRow, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

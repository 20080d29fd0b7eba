//! Rights of the database user on existing shared tables, and row-level security, which would hide
//! rows from it.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::fault::SchemaFault;
use crate::StoreError;

/// The rights that are missing on each existing table, and whether row-level security applies. An
/// app may reserve the creation and deletion of users; locking them needs the right to UPDATE.
const RIGHTS: &str = "
    SELECT wanted.name, quote_ident(current_user::text) AS user_name,
        row_security_active(wanted.id)::text AS is_restricted,
        (SELECT string_agg(needed, ', ' ORDER BY needed) FROM unnest(wanted.rights) AS needed
            WHERE NOT CASE needed WHEN 'DELETE' THEN has_table_privilege(wanted.id, needed)
                ELSE has_any_column_privilege(wanted.id, needed) END) AS missing,
        CASE WHEN 'INSERT' = ANY (wanted.rights) AND NOT has_sequence_privilege(wanted.ids, 'USAGE')
            THEN wanted.ids END AS sequence
    FROM (SELECT name, to_regclass(name)::oid AS id, rights,
            pg_get_serial_sequence(to_regclass(name)::text, 'id') AS ids
        FROM (VALUES ('users', ARRAY['SELECT', 'UPDATE']),
                ('oauth_accounts', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])) tables(name, rights)
        WHERE to_regclass(name) IS NOT NULL) AS wanted
    ORDER BY wanted.name";

/// Returns what keeps the database user from using the tables that exist.
pub(super) async fn faults(connection: &mut PgConnection) -> Result<Vec<SchemaFault>, StoreError> {
    let rows = sqlx::raw_sql(RIGHTS).fetch_all(connection).await?;
    let mut faults = Vec::new();
    for row in &rows {
        faults.extend(of_table(row)?);
    }
    Ok(faults)
}

fn of_table(row: &PgRow) -> Result<Vec<SchemaFault>, sqlx::Error> {
    let (table, user): (String, String) = (row.try_get("name")?, row.try_get("user_name")?);
    let missing: Option<String> = row.try_get("missing")?;
    let sequence: Option<String> = row.try_get("sequence")?;
    let is_restricted = row.try_get::<String, _>("is_restricted")? == "true";
    let rights = missing.map(|rights| {
        SchemaFault::new(
            format!("the database user {user} lacks the right to {rights} on the table {table}"),
            format!("GRANT {rights} ON {table} TO {user};"),
        )
    });
    let ids = sequence.map(|sequence| {
        SchemaFault::new(
            format!("the database user {user} lacks the right to use the sequence {sequence}"),
            format!("GRANT USAGE ON SEQUENCE {sequence} TO {user};"),
        )
    });
    let policy = is_restricted.then(|| {
        SchemaFault::new(
            format!("row-level security hides rows of the table {table} from the user {user}"),
            format!("ALTER ROLE {user} BYPASSRLS;"),
        )
    });
    Ok([rights, ids, policy].into_iter().flatten().collect())
}

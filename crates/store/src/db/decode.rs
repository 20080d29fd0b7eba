//! Batch reads that skip unreadable rows.
//!
//! Another program, or a newer version of this one, may write a value that this version cannot
//! represent. Such a row must neither fail the whole read nor occupy the start of every limited
//! read.

use crate::StoreError;
use crate::db::database::Database;
use crate::db::value::{Record, Value};

/// Decodes rows of one table.
pub(crate) struct Decoder<T, R = Record> {
    /// Name of the table, for the log.
    pub(crate) table: &'static str,
    /// Returns the key of a row, for the log.
    pub(crate) key: fn(&R) -> String,
    pub(crate) read: fn(&R) -> Result<T, StoreError>,
}

impl<T, R> Decoder<T, R> {
    /// Returns the readable rows. Skips unreadable ones and logs one message about them.
    pub(crate) fn decode(&self, rows: impl IntoIterator<Item = R>) -> Result<Vec<T>, StoreError> {
        let (mut readable, mut skipped, mut first) = (Vec::new(), 0_u64, None);
        for row in rows {
            match (self.read)(&row) {
                Ok(value) => readable.push(value),
                Err(error) => {
                    let column = error.unreadable_column();
                    let column = column.ok_or(error)?;
                    skipped += 1;
                    first.get_or_insert_with(|| ((self.key)(&row), column));
                }
            }
        }
        if let Some((key, column)) = first {
            tracing::warn!(
                table = self.table,
                row.id = key,
                column,
                skipped,
                "skipped unreadable rows"
            );
        }
        Ok(readable)
    }
}

/// A limited read, ordered by a cursor.
pub(crate) struct Page<'q, C> {
    /// The query. Its parameters are `fixed`, those of the cursor, and the maximum number of rows.
    pub(crate) sql: &'static str,
    pub(crate) fixed: &'q [Value<'q>],
    /// Returns the parameters of a cursor.
    pub(crate) after: for<'c> fn(&'c C) -> Vec<Value<'c>>,
    /// Returns the cursor of a row.
    pub(crate) cursor: fn(&Record) -> Result<C, StoreError>,
}

impl Database {
    /// Returns up to `limit` readable rows after the cursor `first`; fewer only at the end of the
    /// table. Unreadable rows do not count towards the limit.
    pub(crate) async fn page<C, T>(
        &self,
        page: Page<'_, C>,
        first: C,
        limit: i64,
        decode: fn(Vec<Record>) -> Result<Vec<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut readable, mut cursor, limit) =
            (Vec::new(), first, usize::try_from(limit).unwrap_or(0));
        while readable.len() < limit {
            let missing = limit - readable.len();
            let mut params = page.fixed.to_vec();
            params.extend((page.after)(&cursor));
            params.push(i64::try_from(missing).unwrap_or(i64::MAX).into());
            let rows = self.rows(page.sql, &params).await?;
            let Some(last) = rows.last() else { break };
            let is_last_page = rows.len() < missing;
            cursor = (page.cursor)(last)?;
            readable.extend(decode(rows)?);
            if is_last_page {
                break;
            }
        }
        Ok(readable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Decoder<i32, &str> = Decoder {
        table: "numbers",
        key: |row| (*row).to_owned(),
        read: |row| read(row),
    };

    fn read(row: &str) -> Result<i32, StoreError> {
        match row {
            "outage" => Err(StoreError::Unresponsive),
            row => row.parse().map_err(|_| StoreError::Inconsistent("number")),
        }
    }

    #[test]
    fn unreadable_rows_are_skipped() {
        assert_eq!(NUMBERS.decode(["1", "one", "2", "two"]).unwrap(), [1, 2]);
    }

    #[test]
    fn other_errors_fail_the_read() {
        assert!(matches!(
            NUMBERS.decode(["1", "outage"]),
            Err(StoreError::Unresponsive)
        ));
    }
}

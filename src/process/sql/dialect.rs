//! Databases by how they read a statement.

/// How a database reads quotes, backslashes and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL and what speaks its dialect.
    PostgreSql,
    /// Not known, but double quotes are identifiers.
    QuotedNames,
    /// Not known.
    Generic,
}

impl Dialect {
    /// By `db.system.name` or `db.system`. `None`: its statements are no SQL.
    pub(in crate::process) fn of_system(system: &[u8]) -> Option<Dialect> {
        Some(match system.to_ascii_lowercase().as_slice() {
            b"mysql" | b"mariadb" => Dialect::MySql,
            b"postgresql" | b"cockroachdb" => Dialect::PostgreSql,
            // Redshift has the quotes of PostgreSQL, and backslashes that may escape them.
            b"redshift" | b"aws.redshift" | b"oracle" | b"oracle.db" | b"db2" | b"ibm.db2"
            | b"derby" | b"hsqldb" | b"hanadb" | b"sap.hana" | b"clickhouse" => {
                Dialect::QuotedNames
            }
            b"redis" | b"memcached" | b"mongodb" | b"couchdb" | b"elasticsearch"
            | b"opensearch" | b"dynamodb" | b"aws.dynamodb" | b"hbase" | b"geode" => return None,
            _ => Dialect::Generic,
        })
    }
}

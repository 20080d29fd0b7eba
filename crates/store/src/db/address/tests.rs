//! Addresses as libpq reads them, and what is refused by name.

use std::time::Duration;

use sqlx::postgres::PgSslMode;

use super::*;
use crate::db::address::postgres::Host;

fn postgres(url: &str) -> PostgresAddress {
    match url.parse() {
        Ok(DatabaseAddress::Postgres(address)) => *address,
        other => panic!("{url}: {other:?}"),
    }
}

/// Returns where connections to each host go.
fn places(url: &str) -> Vec<String> {
    let address = postgres(url);
    let options = |host| address.connect_options(host, PgSslMode::Disable).unwrap();
    address
        .hosts
        .iter()
        .map(|host| place_of(&options(host)))
        .collect()
}

fn refusal(url: &str) -> String {
    match url.parse::<DatabaseAddress>() {
        Err(StoreError::Address(reason)) => reason,
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn hosts_are_read_as_libpq_reads_them() {
    for (url, expected) in [
        ("postgres://u:p@db.example/d", &["db.example:5432"][..]),
        ("postgresql://u:p@[::1]:6432/d", &["[::1]:6432"]),
        ("postgres://u@[fe80::1]/d", &["[fe80::1]:5432"]),
        (
            "postgres://h1:1,h2,[::2]:3/d",
            &["h1:1", "h2:5432", "[::2]:3"],
        ),
        ("postgres://h1,h2/d?port=6432", &["h1:6432", "h2:6432"]),
        ("postgres:///d?host=h1,h2&port=1,2", &["h1:1", "h2:2"]),
        (
            "postgres://u:p@/d?host=/run/postgresql",
            &["/run/postgresql/.s.PGSQL.5432"],
        ),
        (
            "postgres://%2Frun%2Fpostgresql:6432/d",
            &["/run/postgresql/.s.PGSQL.6432"],
        ),
        (
            "postgres://u:p@localhost/d?host=/cloudsql/a:b:c",
            &["/cloudsql/a:b:c/.s.PGSQL.5432"],
        ),
        (
            "postgres://db.example/d?hostaddr=10.0.0.7",
            &["10.0.0.7:5432"],
        ),
        ("postgres://h", &["h:5432"]),
        ("postgres://h?user=a@b", &["h:5432"]),
        ("postgres://h1,h2?user=u", &["h1:5432", "h2:5432"]),
    ] {
        assert_eq!(places(url), expected, "{url}");
    }
}

#[test]
fn credentials_are_read_as_libpq_reads_them() {
    for (url, user, password) in [
        ("postgres://u:p@h/d", "u", Some("p")),
        ("postgres://u:p?w:x@h/d", "u", Some("p?w:x")),
        ("postgres://u:p@w@h/d", "u", Some("p@w")),
        ("postgres://u:p%2F%40%25@h/d", "u", Some("p/@%")),
        ("postgres://u:p+w@h/d", "u", Some("p+w")),
        ("postgres://u:@h/d", "u", Some("")),
        ("postgres://u@h/d?password=p%26", "u", Some("p&")),
        ("postgres://h/d?user=a@b&password=c@d", "a@b", Some("c@d")),
    ] {
        let address = postgres(url);
        assert_eq!(address.user.as_deref(), Some(user), "{url}");
        assert_eq!(address.password.as_deref(), password, "{url}");
        let options = address
            .connect_options(&address.hosts[0], PgSslMode::Prefer)
            .unwrap();
        assert_eq!(options.get_username(), user, "{url}");
        assert!(
            options.get_host() == "h" && options.get_port() == 5432,
            "{url}"
        );
    }
}

#[test]
fn parameters_have_the_meaning_of_libpq_and_prisma() {
    let address = postgres(
        "postgres://h/d?schema=my%22app&application_name=vault&connect_timeout=7&target_session_attrs=read-write\
         &options=-c%20work_mem%3D8MB",
    );
    assert_eq!(address.schema.as_deref(), Some("my\"app"));
    assert_eq!(address.connect_timeout, Duration::from_secs(7));
    assert_eq!(address.target, TargetSession::ReadWrite);
    assert!(
        address
            .session_settings()
            .contains(&("search_path", "\"my\"\"app\"".to_owned())),
        "{:?}",
        address.session_settings()
    );
    let options = address
        .connect_options(&address.hosts[0], PgSslMode::Prefer)
        .unwrap();
    assert_eq!(options.get_application_name(), Some("vault"));
    assert_eq!(options.get_options(), Some("-c work_mem=8MB"));
    assert_eq!(options.get_database(), Some("d"));
    let default = postgres("postgres://h/d");
    assert_eq!((default.schema, default.target), (None, TargetSession::Any));
}

#[test]
fn tls_modes_are_tried_as_by_libpq() {
    use PgSslMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
    for (parameters, expected) in [
        ("", &[Prefer, Disable][..]),
        ("sslmode=disable", &[Disable]),
        ("sslmode=allow", &[Disable, Require]),
        ("sslmode=prefer&sslrootcert=/ca", &[VerifyCa, Disable]),
        ("sslmode=require", &[Require]),
        ("ssl=true", &[Require]),
        ("sslmode=require&sslrootcert=/ca", &[VerifyCa]),
        ("sslmode=verify-ca", &[VerifyCa]),
        ("sslmode=verify-full&channel_binding=require", &[VerifyFull]),
        ("sslrootcert=system", &[VerifyFull]),
        ("sslmode=require&sslaccept=strict", &[VerifyFull]),
        ("sslmode=require&sslaccept=accept_invalid_certs", &[Require]),
    ] {
        let attempts = postgres(&format!("postgres://h/d?{parameters}"))
            .tls
            .attempts();
        assert_eq!(
            format!("{attempts:?}"),
            format!("{expected:?}"),
            "{parameters}"
        );
    }
}

/// Parameters, and what their refusal says.
const REFUSED: &[(&str, &str)] = &[
    (
        "sslmode=no-verify",
        "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
    ),
    ("sslmode=", "sslmode must be one of"),
    ("sslmod=require", "the parameter sslmod is not supported"),
    ("passfile=/x", "the parameter passfile is not supported"),
    (
        "statement-cache-capacity=0",
        "the parameter statement-cache-capacity is not supported",
    ),
    (
        "target_session_attrs=standby",
        "target_session_attrs=standby selects",
    ),
    ("target_session_attrs=rw", "target_session_attrs must be"),
    ("connect_timeout=soon", "connect_timeout must be"),
    ("schema=", "schema must not be empty"),
    (
        "channel_binding=require",
        "channel_binding=require is not supported",
    ),
    (
        "sslrootcert=system&sslmode=require",
        "sslrootcert=system requires",
    ),
    ("sslcert=/c", "sslcert and sslkey"),
    ("client_encoding=LATIN1", "client_encoding must be UTF8"),
    ("gssencmode=require", "gssencmode must be"),
    ("hostaddr=db.example", "hostaddr must be"),
    ("host=@abstract", "abstract sockets"),
    ("host=a,b,c&port=1,2", "the number of ports"),
    ("sslmode", "name=value"),
];

#[test]
fn unsupported_parameters_are_refused_by_name() {
    for (parameters, named) in REFUSED {
        let refused = refusal(&format!("postgres://u:hush@h/d?{parameters}"));
        assert!(refused.contains(named), "{parameters}: {refused}");
    }
    let refused = refusal("sqlite:///x.db?cache=shared");
    assert!(
        refused.contains("the parameter cache is not supported"),
        "{refused}"
    );
    let refused = refusal("sqlite:///x.db?mode=ro");
    assert!(
        refused.contains("the parameter mode must be rwc"),
        "{refused}"
    );
}

#[test]
fn parameters_of_the_apps_library_have_no_effect() {
    for url in ["postgres://h/d", "sqlite:///x.db"] {
        let url = format!("{url}?connection_limit=5&socket_timeout=3&pgbouncer=true");
        let address: DatabaseAddress = url.parse().unwrap();
        let names = ["connection_limit", "socket_timeout", "pgbouncer"];
        assert_eq!(address.parameters_without_effect(), names, "{url}");
    }
}

#[test]
fn refusals_and_debug_contain_no_part_of_a_password() {
    for url in [
        "postgres://u:hush/word@h/d",
        "postgres://u:hush/wo?rd@h/d",
        "postgres://u:1/wo?hush@h=d/d",
        "postgres://u:hu%zzsh@h/d",
        "postgres://u:hu%00sh@h/d",
        "postgres://u:hush@[bad/d",
        "postgres://u:hush@[::1]x/d",
        "postgres://u:hush@h:port/d",
        "postgres://u:hush@h:0/d",
        "mysql://u:hush@h/d",
    ] {
        let refused = refusal(url);
        assert!(!refused.contains("hush"), "{url}: {refused}");
    }
    let address: DatabaseAddress = "postgres://u:hush@h/d?options=-c%20a.b%3Dhush"
        .parse()
        .unwrap();
    assert!(!format!("{address:?}").contains("hush"), "{address:?}");
}

#[test]
fn sqlite_address_is_a_path() {
    let parse = |url: &str| match url.parse() {
        Ok(DatabaseAddress::Sqlite(address)) => (address.path, address.may_create),
        other => panic!("{url}: {other:?}"),
    };
    assert_eq!(
        parse("sqlite:///var/lib/x.db"),
        ("/var/lib/x.db".into(), true)
    );
    assert_eq!(parse("sqlite://x.db?mode=rwc"), ("x.db".into(), true));
    assert_eq!(parse("sqlite://x.db?mode=rw"), ("x.db".into(), false));
}

#[test]
fn default_host_has_no_name() {
    let address = postgres("postgres:///d");
    assert_eq!(address.hosts, [Host::new("", None)]);
    assert_eq!(address.hosts[0].name, None);
    let options = address
        .connect_options(&address.hosts[0], PgSslMode::Prefer)
        .unwrap();
    assert!(!options.get_host().is_empty());
}

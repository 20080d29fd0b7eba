//! Tests of the commands: their help, their exit codes, and the settings that they reject.

mod backup;
mod database;
mod encryption;
mod management;

use crate::program::{Finished, Folder, KEY, run, run_in};

/// Runs a command that must succeed, and returns its standard output.
fn stdout(args: &[&str], env: &[(&str, &str)], input: &str) -> String {
    let finished = run(args, env, input);
    assert!(finished.status.success(), "{args:?}: {}", finished.stderr);
    finished.stdout
}

/// Runs a command that must fail with exit code 1 and no output, and returns its standard error.
fn failure(args: &[&str], env: &[(&str, &str)]) -> String {
    stderr_of_failed(&run(args, env, ""), args)
}

/// Returns the standard error of a command that must have failed with exit code 1 and no output.
fn stderr_of_failed(finished: &Finished, args: &[&str]) -> String {
    assert_eq!(
        (finished.status.code(), finished.stdout.as_str()),
        (Some(1), ""),
        "{args:?}: {}",
        finished.stderr
    );
    finished.stderr.clone()
}

fn sqlite_url(folder: &Folder) -> String {
    format!("sqlite://{}", folder.path().join("evergrant.db").display())
}

#[test]
fn every_command_help_shows_an_example() {
    for command in [
        "dev",
        "serve",
        "migrate",
        "backup",
        "restore",
        "api-key",
        "token",
        "keys",
        "users",
        "connections",
        "providers",
        "sandbox",
        "openapi",
    ] {
        let help = stdout(&[command, "--help"], &[], "");
        assert!(
            help.contains("Example") && help.contains("evergrant "),
            "{command}: {help}"
        );
    }
}

#[test]
fn invalid_arguments_exit_with_code_2() {
    for args in [
        &["wander"][..],
        &["token"],
        &["api-key", "create"],
        &["api-key", "create", "--name", "x", "--scope", "all"],
    ] {
        assert_eq!(run(args, &[], "").status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn serve_reports_every_missing_setting() {
    let stderr = failure(&["serve"], &[("EVERGRANT_LISTEN", "0.0.0.0:0")]);
    for name in [
        "DATABASE_URL",
        "TOKEN_ENCRYPTION_KEY",
        "EVERGRANT_PUBLIC_URL",
    ] {
        assert!(
            stderr.contains(&format!("error: {name} is not set")),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn ephemeral_dev_refuses_a_database_that_it_cannot_delete() {
    let stderr = failure(
        &["dev", "--ephemeral"],
        &[("DATABASE_URL", "sqlite:///nowhere/evergrant.db")],
    );
    assert_eq!(
        stderr,
        "error: --ephemeral cannot delete the data of the database that DATABASE_URL names\n  \
         help: remove the setting, or leave out --ephemeral\n"
    );
}

#[test]
fn address_in_use_is_reported_with_its_setting() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let url = sqlite_url(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
        ("EVERGRANT_LISTEN", &address),
    ];
    assert!(
        failure(&["serve"], &env)
            .contains(&format!("error: EVERGRANT_LISTEN: {address} is in use"))
    );
}

#[test]
fn dev_and_sandbox_reject_addresses_other_than_loopback() {
    for (args, env) in [
        (
            &["dev", "--ephemeral", "--listen", "0.0.0.0:0"][..],
            &[][..],
        ),
        (&["dev", "--ephemeral"], &[("EVERGRANT_LISTEN", "[::]:0")]),
        (
            &["dev", "--ephemeral"],
            &[("EVERGRANT_SANDBOX_LISTEN", "0.0.0.0:0")],
        ),
        (
            &["dev", "--ephemeral"],
            &[("EVERGRANT_ADMIN_LISTEN", "10.0.0.1:0")],
        ),
        (&["sandbox", "--listen", "0.0.0.0:0"], &[]),
        (&["sandbox", "--listen", "[::]:0"], &[]),
        (&["sandbox"], &[("EVERGRANT_SANDBOX_LISTEN", "0.0.0.0:0")]),
    ] {
        let command = format!("`{}` listens only on loopback addresses", args[0]);
        assert!(failure(args, env).contains(&command), "{args:?} {env:?}");
    }
}

#[test]
fn unknown_key_in_the_file_is_reported_with_its_line() {
    let folder = Folder::new();
    std::fs::write(
        folder.path().join("evergrant.toml"),
        "[server]\n\ntrusted_proxies = [\"10.0.0.1\"]\n",
    )
    .unwrap();
    let finished = run_in(folder.path(), &["serve"], &[], "");
    let stderr = stderr_of_failed(&finished, &["serve"]);
    assert!(
        stderr.contains("evergrant.toml, line 3: [server] has no key `trusted_proxies`"),
        "{stderr}"
    );
}

//! Tests of the shutdown: requests in progress complete, unless a second signal forces the exit.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Folder, Program};

const BODY: &str = r#"{"id":77}"#;
const SHUTTING_DOWN: &str = "shutting down; send the signal again to force exit";

/// Starts a service, and sends the header of a request but not yet its body.
fn with_request_in_progress(folder: &Folder) -> (Program, TcpStream) {
    let url = format!("sqlite://{}", folder.path().join("evergrant.db").display());
    let program = Program::serve(&[("DATABASE_URL", url.as_str())]);
    let mut stream = TcpStream::connect(program.url().strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST /api/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        program.api_key(),
        BODY.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = [0; 25];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(
        &response, b"HTTP/1.1 100 Continue\r\n\r\n",
        "the handler reads the body"
    );
    (program, stream)
}

#[test]
fn request_in_progress_completes_and_new_connections_are_refused() {
    let folder = Folder::new();
    let (program, mut stream) = with_request_in_progress(&folder);
    program.signal("TERM");
    program.wait_for(SHUTTING_DOWN);
    stream.write_all(BODY.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    let address = program.url().strip_prefix("http://").unwrap().to_owned();
    assert!(program.wait().success());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn second_signal_forces_exit() {
    let folder = Folder::new();
    let (program, _stream) = with_request_in_progress(&folder);
    program.signal("INT");
    program.wait_for(SHUTTING_DOWN);
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(1));
}

#[test]
fn ephemeral_dev_deletes_its_data_on_exit() {
    let folder = Folder::new();
    let program = Program::ephemeral(&folder);
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries(), 1, "the data folder");
    assert!(program.stop().success());
    assert_eq!(entries(), 0);
}

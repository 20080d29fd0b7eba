//! How the program ends: what runs may finish, unless somebody asks twice.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Folder, Program};

const BODY: &str = r#"{"id":77}"#;

/// A service, and a request to it whose body is still under way.
fn with_half_a_request(folder: &Folder) -> (Program, TcpStream) {
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
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(
        &answer, b"HTTP/1.1 100 Continue\r\n\r\n",
        "the request has reached its handler"
    );
    (program, stream)
}

#[test]
fn a_running_request_is_answered_and_no_new_one_is_taken() {
    let folder = Folder::new();
    let (program, mut stream) = with_half_a_request(&folder);
    program.signal("TERM");
    program.wait_for("ending; a second signal ends at once");
    stream.write_all(BODY.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let address = program.url().strip_prefix("http://").unwrap().to_owned();
    assert!(program.wait().success());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_second_signal_does_not_wait() {
    let folder = Folder::new();
    let (program, _stream) = with_half_a_request(&folder);
    program.signal("INT");
    program.wait_for("ending; a second signal ends at once");
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(1));
}

#[test]
fn an_ephemeral_dev_leaves_nothing_behind() {
    let folder = Folder::new();
    let program = Program::ephemeral(&folder);
    let left = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left(), 1, "its data while it runs");
    assert!(program.stop().success());
    assert_eq!(left(), 0);
}

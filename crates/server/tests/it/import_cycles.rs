//! Architecture test: no file of a crate imports, directly or through other files, a file that
//! imports it.

mod graph;
mod source;

use std::path::Path;

use graph::Crate;

#[test]
fn no_crate_has_an_import_cycle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut found, mut imports) = (Vec::new(), 0);
    for entry in std::fs::read_dir(&crates).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let read = Crate::read(&folder.path().join("src"));
        imports += read.imports();
        let cycles = read.cycles();
        found.extend(
            cycles
                .iter()
                .map(|cycle| format!("{name}, {} files: {}", cycle.len(), cycle.join(" "))),
        );
    }
    assert!(imports > 500, "only {imports} imports are found");
    found.sort();
    assert!(
        found.is_empty(),
        "files import each other in a cycle; move what they share to a file of its own:\n{}",
        found.join("\n")
    );
}

/// Returns the cycles of a crate with these files, such as `a b` for a cycle of the files `a` and
/// `b`.
fn cycles<const N: usize>(files: [(&str, &str); N]) -> Vec<String> {
    Crate::new(files)
        .cycles()
        .iter()
        .map(|cycle| cycle.join(" "))
        .collect()
}

const NONE: &[&str] = &[];

#[test]
fn import_in_one_direction_is_not_a_cycle() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B;"),
    ];
    assert_eq!(cycles(files), NONE);
}

#[test]
fn files_that_import_each_other_are_a_cycle() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use super::a::A; pub struct B;"),
        ("c.rs", "use crate::{a::A, b::B};"),
    ];
    assert_eq!(cycles(files), ["a b"]);
}

#[test]
fn cycle_through_a_third_file_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b; fn f() { b::g(); }"),
        ("b.rs", "pub fn g() { crate::c::h(); }"),
        ("c.rs", "pub fn h() { vec![crate::a::f()]; }"),
    ];
    assert_eq!(cycles(files), ["a b c"]);
}

#[test]
fn separate_cycles_are_reported_separately() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A; use crate::c::C;"),
        ("c.rs", "use crate::d::D;"),
        ("d.rs", "use crate::c::C;"),
    ];
    assert_eq!(cycles(files), ["a b", "c d"]);
}

#[test]
fn nested_use_trees_are_read() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        (
            "a.rs",
            "use crate::{c::{self, C as _}, b::{inner::{X, Y as Z}}};",
        ),
        (
            "b.rs",
            "pub mod inner { pub use super::super::a::A; fn f(_: A) {} }",
        ),
        ("c.rs", "pub struct C;"),
    ];
    assert_eq!(cycles(files), ["a b"]);
}

#[test]
fn name_re_exported_by_the_root_leads_to_its_file() {
    let files = [
        (
            "lib.rs",
            "mod a; mod b; pub use b::{B as Beta}; pub(crate) use a::*;",
        ),
        ("a.rs", "use crate::Beta; pub struct A;"),
        ("b.rs", "use crate::A; pub struct B;"),
    ];
    assert_eq!(cycles(files), ["a b"]);
}

#[test]
fn name_re_exported_by_a_folder_leads_to_its_file() {
    let files = [
        ("lib.rs", "mod folder; mod user;"),
        (
            "folder/mod.rs",
            "mod inside; pub(crate) use inside::Inside;",
        ),
        (
            "folder/inside.rs",
            "use crate::user::User; pub struct Inside;",
        ),
        ("user.rs", "use crate::folder::Inside; pub struct User;"),
    ];
    assert_eq!(cycles(files), ["folder::inside user"]);
}

#[test]
fn re_export_alone_does_not_make_a_folder_depend_on_its_files() {
    let folder = "pub mod inside; pub use inside::Inside; pub struct Shared;";
    let inside = ("folder/inside.rs", "use super::Shared; pub struct Inside;");
    assert_eq!(
        cycles([("lib.rs", "mod folder;"), ("folder/mod.rs", folder), inside]),
        NONE
    );
    let folder = &format!("{folder} fn f(_: Inside) {{}}");
    assert_eq!(
        cycles([("lib.rs", "mod folder;"), ("folder/mod.rs", folder), inside]),
        ["folder folder::inside"]
    );
    let folder = "mod inside; pub struct Shared; fn f() { inside::g(); }";
    assert_eq!(
        cycles([("lib.rs", "mod folder;"), ("folder/mod.rs", folder), inside]),
        ["folder folder::inside"]
    );
}

#[test]
fn glob_import_depends_on_its_module() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use super::b::*;"),
        ("b.rs", "use crate::a::A;"),
    ];
    assert_eq!(cycles(files), ["a b"]);
}

#[test]
fn tests_comments_and_strings_are_ignored() {
    let ignored = [
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(all(test, unix))] #[allow(unused)] fn f() { crate::b::g() }",
        "#[cfg(test)] use crate::{b::B};",
        "struct S { #[cfg(test)] b: crate::b::B }",
        "// use crate::b::B;\n/* crate::b::g() */ /// crate::b::B\nstruct S;",
        "const S: &str = \"crate::b::B\";",
        "use b::B; fn f() { std::b::g() }",
    ];
    for text in ignored {
        let b = ("b.rs", "use crate::a::A;");
        assert_eq!(
            cycles([("lib.rs", "mod a; mod b;"), ("a.rs", text), b]),
            NONE,
            "{text}"
        );
        let followed = &format!("{text} fn last() {{ crate::b::g(); }}");
        assert_eq!(
            cycles([("lib.rs", "mod a; mod b;"), ("a.rs", followed), b]),
            ["a b"],
            "{followed}"
        );
    }
}

#[test]
fn test_module_in_its_own_file_is_ignored() {
    let files = |declared| {
        [
            ("lib.rs", "mod a;"),
            ("a.rs", declared),
            ("a/checks.rs", "use super::f; pub fn g() { f(); }"),
        ]
    };
    assert_eq!(
        cycles(files("#[cfg(test)] mod checks; fn f() { checks::g(); }")),
        NONE
    );
    assert_eq!(
        cycles(files("mod checks; fn f() { checks::g(); }")),
        ["a a::checks"]
    );
}

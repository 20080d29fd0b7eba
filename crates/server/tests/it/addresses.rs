//! Architecture test: the public URL has one owner, `PublicUrl` in the service, which builds every
//! address that Evergrant emits. `crates/api/tests/it/public_path.rs` tests the addresses.

use std::path::Path;

use crate::layers::sources;

/// Files that may read the parsed public URL: they need its host, port or origin.
const READERS: [&str; 4] = [
    "api/src/console/cookie.rs",
    "api/src/console/dev.rs",
    "service/src/authorization/redirect_allowlist.rs",
    "service/src/public_url.rs",
];

/// Addresses that ignore the path of the public URL.
const WITHOUT_PATH: [&str; 7] = [
    "href=\"/",
    "src=\"/",
    "action=\"/",
    "action=(format!(",
    "HeaderValue::from_static(\"/",
    "Redirect::to(\"/",
    "Redirect::permanent(\"/",
];

#[test]
fn only_public_url_builds_addresses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut readers = 0;
    for folder in ["api/src", "server/src", "service/src"] {
        for file in sources(&root.join(folder)) {
            let path = file.strip_prefix(&root).unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&file).unwrap();
            for part in WITHOUT_PATH {
                assert!(
                    !text.contains(part),
                    "{path} has {part}…, which ignores the path of the public URL; use PublicUrl::path_of"
                );
            }
            let is_reader = READERS.contains(&path);
            readers += usize::from(is_reader);
            assert!(
                is_reader || !text.contains(".as_url()"),
                "{path} takes the public URL apart; use PublicUrl::join or PublicUrl::path_of"
            );
        }
    }
    assert_eq!(readers, READERS.len(), "a file of READERS is gone");
}

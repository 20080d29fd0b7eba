//! The section `[app]`: the name and logo of the app, for the pages that its users see.

use std::fs;
use std::path::Path;

use evergrant_api::{App, Logo};

use super::value::Setting;
use super::{Sources, key};
use crate::failure::Problems;

/// The longest name, in characters: it has to fit into the bar of the console.
const MAX_NAME: usize = 60;
/// The largest logo, in bytes.
const MAX_LOGO: usize = 256 * 1024;

/// The settings of the app's name and logo.
#[derive(Debug, Default)]
pub(crate) struct AppSettings {
    name: Option<String>,
    /// The setting's name and the path of the file.
    logo: Option<(String, String)>,
}

impl AppSettings {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            name: sources
                .get(&key::APP_NAME)
                .and_then(|setting| name(&setting, problems)),
            logo: sources
                .get(&key::APP_LOGO)
                .map(|setting| (setting.name.clone(), setting.text())),
        }
    }

    /// Reads the logo's file and returns the app.
    pub(crate) fn load(&self, problems: &mut Problems) -> App {
        let logo = self.logo.as_ref().and_then(|(name, path)| {
            let loaded = read_logo(Path::new(path));
            loaded
                .map_err(|reason| {
                    problems.add(
                        format!("{name}: {path:?} {reason}"),
                        "set it to the path of an SVG, PNG, JPEG or WebP file of up to 256 KiB",
                    );
                })
                .ok()
        });
        App {
            name: self.name.clone(),
            logo,
        }
    }
}

fn name(setting: &Setting, problems: &mut Problems) -> Option<String> {
    let text = setting.text().trim().to_owned();
    let is_valid =
        (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !is_valid {
        problems.add(
            format!("{}: {text:?} is not a name", setting.name),
            format!("write 1 to {MAX_NAME} characters on one line"),
        );
    }
    is_valid.then_some(text)
}

/// Reads a logo. On failure returns what is wrong with the file.
fn read_logo(path: &Path) -> Result<Logo, String> {
    picture(fs::read(path).map_err(|error| format!("cannot be read: {error}"))?)
}

fn picture(content: Vec<u8>) -> Result<Logo, String> {
    if content.len() > MAX_LOGO {
        return Err(format!("has {} bytes", content.len()));
    }
    let media_type = media_type(&content).ok_or("is not a supported picture")?;
    Ok(Logo {
        content,
        media_type,
    })
}

/// Returns the media type that the content has, whatever the file is called.
fn media_type(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => {
            let text = std::str::from_utf8(content).ok()?;
            text.contains("<svg").then_some("image/svg+xml")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logo_has_the_media_type_of_its_content() {
        for (content, expected) in [
            (b"\x89PNG\r\n\x1a\n....".as_slice(), Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF....WEBPVP8 ", Some("image/webp")),
            (
                b"<?xml version=\"1.0\"?><svg xmlns=\"\"/>",
                Some("image/svg+xml"),
            ),
            (b"<html><script>", None),
            (b"RIFF....WAVE", None),
            (b"", None),
        ] {
            assert_eq!(media_type(content), expected);
        }
    }

    #[test]
    fn logo_that_cannot_be_shown_is_a_problem_with_its_reason() {
        for (loaded, reason) in [
            (read_logo(Path::new("/nowhere/logo.svg")), "cannot be read"),
            (picture(vec![b'a'; MAX_LOGO + 1]), "has 262145 bytes"),
            (picture(b"text".to_vec()), "is not a supported picture"),
        ] {
            let error = loaded.unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
        assert!(picture(b"<svg/>".to_vec()).is_ok());
    }
}

//! Damaged and forged texts: each is rejected with the same error and none causes a panic.

use evergrant_encryption::CipherError;

use crate::cipher;

/// The parts of a valid stored text.
struct Valid {
    iv: String,
    tag: String,
    body: String,
}

impl Valid {
    fn new() -> Self {
        let text = cipher(&["key"])
            .encrypt_token("a genuine token")
            .unwrap()
            .into_string();
        let mut parts = text.split(':').map(str::to_owned);
        let mut next = || parts.next().unwrap();
        Self {
            iv: next(),
            tag: next(),
            body: next(),
        }
    }

    /// Texts with a wrong number of parts or a wrong separator.
    fn wrong_separators(&self) -> Vec<String> {
        let Self { iv, tag, body } = self;
        vec![
            String::new(),
            ":".into(),
            "::".into(),
            ":::".into(),
            iv.clone(),
            format!("{iv}:{tag}"),
            format!("{iv}{tag}{body}"),
            format!("{iv}:{tag}{body}"),
            format!("{iv}{tag}:{body}"),
            format!("{iv}:{tag}:{body}:"),
            format!(":{iv}:{tag}:{body}"),
            format!("{iv}::{tag}:{body}"),
            format!("{iv}:{tag}::{body}"),
            format!("{iv}:{tag}:{body}:00"),
            format!("v1:{iv}:{tag}:{body}"),
            format!("{iv};{tag};{body}"),
            format!("{iv}.{tag}.{body}"),
            format!("{iv}：{tag}：{body}"),
            format!("{iv}\0{tag}\0{body}"),
        ]
    }

    /// Three parts, at least one with a wrong length.
    fn wrong_lengths(&self) -> Vec<String> {
        let Self { iv, tag, body } = self;
        vec![
            format!(":{tag}:{body}"),
            format!("{iv}::{body}"),
            format!("::{body}"),
            format!("{}:{tag}:{body}", &iv[..24]),
            format!("{}:{tag}:{body}", &iv[..30]),
            format!("{}:{tag}:{body}", &iv[..31]),
            format!("{iv}0:{tag}:{body}"),
            format!("{iv}00:{tag}:{body}"),
            format!("{iv}{iv}:{tag}:{body}"),
            format!("{iv}:{}:{body}", &tag[..2]),
            format!("{iv}:{}:{body}", &tag[..8]),
            format!("{iv}:{}:{body}", &tag[..16]),
            format!("{iv}:{}:{body}", &tag[..24]),
            format!("{iv}:{}:{body}", &tag[..30]),
            format!("{iv}:{}:{body}", &tag[..31]),
            format!("{iv}:{tag}0:{body}"),
            format!("{iv}:{tag}00:{body}"),
            format!("{iv}:{tag}:{}", &body[1..]),
            format!("{iv}:{tag}:{}", &body[2..]),
            format!("{iv}:{tag}:{}", &body[..body.len() - 1]),
            format!("{iv}:{tag}:{}", &body[..body.len() - 2]),
            format!("{iv}:{tag}:{body}0"),
            format!("{iv}:{tag}:{body}00"),
            format!("{iv}:{tag}:{body}{body}"),
            format!("{iv}:{tag}:"),
        ]
    }

    /// Three parts with characters that are not hexadecimal digits; some decoders skip them.
    fn wrong_characters(&self) -> Vec<String> {
        let Self { iv, tag, body } = self;
        let (iv_30, tag_30) = (&iv[..30], &tag[..30]);
        vec![
            format!("0x{iv}:{tag}:{body}"),
            format!("0x{iv_30}:{tag}:{body}"),
            format!("{iv}:0x{tag_30}:{body}"),
            format!("{iv}:{tag}:0x{body}"),
            format!("{iv}:{tag}:0X{body}"),
            format!(" {iv}:{tag}:{body}"),
            format!("{iv} : {tag} : {body}"),
            format!("{iv}:{tag}:{body} "),
            format!("{iv}:{tag}:{body}\n"),
            format!("{iv}:{tag}:{body}\r\n"),
            format!("{iv}:{tag}:{body}\0"),
            format!("{iv}:{tag}:{body}zz"),
            format!("{iv}:{tag}:{body}é"),
            format!("\u{feff}{iv}:{tag}:{body}"),
            format!("{iv_30}zz:{tag}:{body}"),
            format!("{iv_30}é:{tag}:{body}"),
            format!("{iv}:{tag_30}-1:{body}"),
            format!("{iv}:{tag_30}+1:{body}"),
            format!("{iv}:{tag}:{}", "０".repeat(30)),
            format!("{iv}:{tag}:\"{body}\""),
            format!("\"{iv}:{tag}:{body}\""),
        ]
    }

    /// Well-formed texts that were not encrypted with the key.
    fn forged(&self) -> Vec<String> {
        let Self { iv, tag, body } = self;
        let zeros = "0".repeat(32);
        vec![
            format!("{tag}:{iv}:{body}"),
            format!("{zeros}:{tag}:{body}"),
            format!("{iv}:{zeros}:{body}"),
            format!("{iv}:{}:{body}", "f".repeat(32)),
            format!("{iv}:{tag}:{}", "0".repeat(body.len())),
            format!("{zeros}:{zeros}:"),
            format!("{zeros}:{zeros}:{zeros}"),
            format!("{iv}:{tag}:{}", body.chars().rev().collect::<String>()),
            Self::new().with_body(body),
            format!("{iv}:{tag}:{}", "00".repeat(100_000)),
        ]
    }

    fn with_body(self, body: &str) -> String {
        format!("{}:{}:{body}", self.iv, self.tag)
    }

    fn text(self) -> String {
        let body = self.body.clone();
        self.with_body(&body)
    }
}

#[test]
fn rejects_every_damaged_text_with_the_same_error() {
    let (cipher, valid) = (cipher(&["key", "an older key"]), Valid::new());
    let damaged = [
        valid.wrong_separators(),
        valid.wrong_lengths(),
        valid.wrong_characters(),
        valid.forged(),
    ]
    .concat();
    assert!(damaged.len() >= 50, "{}", damaged.len());
    for text in damaged {
        assert_eq!(
            cipher.decrypt_token(&text).unwrap_err(),
            CipherError::Unreadable,
            "{text:?}"
        );
        assert!(!cipher.is_encrypted(&text), "{text:?}");
        assert_eq!(cipher.key_of(&text), None, "{text:?}");
        assert!(!cipher.verify_key_check(&text), "{text:?}");
    }
    assert!(
        cipher.is_encrypted(&valid.text()),
        "the undamaged text decrypts"
    );
}

#[test]
fn truncated_ciphertext_is_never_used_as_a_token() {
    let (cipher, valid) = (cipher(&["key"]), Valid::new());
    for text in valid
        .wrong_lengths()
        .into_iter()
        .filter(|text| !text.contains("::") && !text.starts_with(':'))
    {
        assert_eq!(
            cipher.safe_decrypt(&text).unwrap_err(),
            CipherError::Unreadable,
            "{text:?}"
        );
    }
}

/// Created by Node.js with the key "key" and an IV of zeros from the bytes `41 42` and `ff fe`. The
/// second is authentic but not valid UTF-8.
#[test]
fn rejects_authentic_ciphertext_that_is_not_utf8() {
    let (cipher, iv) = (cipher(&["key"]), "0".repeat(32));
    assert!(cipher.is_encrypted(&format!("{iv}:78df9dc633dbdfa112e3b02726191018:a8e3")));
    let encrypted = format!("{iv}:10ba9f0365447a075831619317b17298:165f");
    assert_eq!(
        cipher.decrypt_token(&encrypted).unwrap_err(),
        CipherError::Unreadable
    );
    assert!(!cipher.is_encrypted(&encrypted));
}

//! Meta's three HMAC-SHA256 signatures, keyed with the app secret: of an access token, of a
//! `signed_request` payload, and of a webhook body.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Returns the `appsecret_proof` of a token in hexadecimal. It proves that the caller knows the app
/// secret.
pub(crate) fn appsecret_proof(secret: &str, token: &str) -> String {
    const_hex::encode(hmac(secret, token.as_bytes()))
}

/// Returns the value of the `X-Hub-Signature-256` header for a webhook body.
pub(crate) fn hub_signature(secret: &str, body: &str) -> String {
    format!(
        "sha256={}",
        const_hex::encode(hmac(secret, body.as_bytes()))
    )
}

/// Returns a `signed_request`. The signature covers the base64url form of the payload.
pub(crate) fn signed_request(secret: &str, payload: &Value) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    format!(
        "{}.{payload}",
        URL_SAFE_NO_PAD.encode(hmac(secret, payload.as_bytes()))
    )
}

pub(crate) fn hmac(key: &str, message: &[u8]) -> Vec<u8> {
    // HMAC accepts keys of any length, so this never fails.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return Vec::new();
    };
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "sim-app-secret";

    #[test]
    fn appsecret_proof_is_hmac_of_token_in_hexadecimal() {
        let proof = appsecret_proof(SECRET, "EAAsimtoken123");
        assert_eq!(
            proof,
            "1de1a69ce068e005de390a197e71d9bfec0771b558a7abf536275fa32b4e5f34"
        );
    }

    #[test]
    fn signed_request_signs_encoded_payload() {
        let payload = json!({ "algorithm": "HMAC-SHA256", "issued_at": 1_767_225_600, "user_id": "10150000000000001" });
        assert_eq!(
            signed_request(SECRET, &payload),
            "gY_lxApr3evVS4NhyeiAdJJC9mAot84dxy-bQ1LyoDA.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc2NzIyNTYw\
             MCwidXNlcl9pZCI6IjEwMTUwMDAwMDAwMDAwMDAxIn0"
        );
    }

    #[test]
    fn hub_signature_covers_webhook_body() {
        let body = "{\"object\":\"instagram\",\"entry\":[{\"id\":\"17841400000000001\",\"time\":1767225600,\
                    \"changes\":[{\"field\":\"comments\",\"value\":{\"id\":\"18000000000000001\"}}]}]}";
        assert_eq!(
            hub_signature(SECRET, body),
            "sha256=0ed791eb20801a99fbd8642487959e233d85b8f096e445a55dc6303af6a727c0"
        );
    }
}

//! Signatures and keys against the vectors of Wycheproof and of the RFCs, below the claims: most
//! payloads there are none.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::jwt::error::JwtError;
use crate::jwt::header::Header;
use crate::jwt::jws::Jws;
use crate::jwt::key_set::JwkSet;

/// Where we differ from what a vector says, and why.
const EXCEPTIONS: [(u64, bool, &str); 3] = [
    (351, cfg!(feature = "es512"), "ES512, which takes that feature"),
    (367, true, "the vector's base64url is what RFC 7515 asks for, and its MAC is right"),
    (373, false, "a character outside the alphabet; RFC 4648 §3.3 says to refuse it"),
];

#[test]
fn wycheproof_signatures_agree() {
    let Some(file) = read("wycheproof_json_web_signature.dev.json") else { return };
    assert_eq!(check_all(&file), 208);
}

#[test]
fn wycheproof_keys_agree() {
    let Some(file) = read("wycheproof_json_web_key.dev.json") else { return };
    assert_eq!(check_all(&file), 10);
}

#[test]
fn wycheproof_jws_in_crypto_agree_and_no_jwe_passes() {
    let Some(file) = read("wycheproof_json_web_crypto.dev.json") else { return };
    assert_eq!(check_all(&file), 37);
}

// RFC 8037 §A.4.
#[test]
fn the_ed25519_example_of_rfc_8037_verifies() {
    let key = json!({"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-\
               09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let verified = verify(&json!({"keys": [key]}), jws);
    assert_eq!(verified, Ok(b"Example of Ed25519 signing".to_vec()));
}

// RFC 7515 §A.2 and §A.3: the same payload by RS256 and ES256.
#[test]
fn the_examples_of_rfc_7515_verify() {
    let rsa = json!({"kty": "RSA", "e": "AQAB", "n": concat!(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4",
        "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re",
        "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX",
        "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ")});
    let ec = json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                   Ijp0cnVlfQ";
    let by_rsa = format!(
        "eyJhbGciOiJSUzI1NiJ9.{payload}.{}",
        concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5",
            "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb",
            "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO",
            "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        )
    );
    let by_ec = format!(
        "eyJhbGciOiJFUzI1NiJ9.{payload}.{}",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let both = json!({"keys": [rsa, ec]});
    for jws in [by_rsa, by_ec] {
        assert!(verify(&both, &jws).unwrap().starts_with(b"{\"iss\":\"joe\""), "{jws}");
    }
}

fn check_all(file: &Value) -> usize {
    let groups = file["testGroups"].as_array().unwrap();
    groups.iter().map(check_group).sum()
}

fn check_group(group: &Value) -> usize {
    let key = group.get("public").unwrap_or(&group["private"]);
    let set = if key["keys"].is_array() { key.clone() } else { json!({"keys": [key]}) };
    let tests = group["tests"].as_array().unwrap();
    for test in tests {
        let token = test["jws"].as_str().or(test["jwe"].as_str()).unwrap();
        let exception = EXCEPTIONS.into_iter().find(|it| test["tcId"] == it.0);
        let expected = exception.map_or(test["result"] == "valid", |it| it.1);
        let verified = verify(&set, token);
        assert_eq!(verified.is_ok(), expected, "{}: {test} {verified:?}", group["comment"]);
    }
    tests.len()
}

fn verify(set: &Value, token: &str) -> Result<Vec<u8>, JwtError> {
    let keys = JwkSet::parse_inline(set.to_string().as_bytes());
    let keys = keys.map_err(|it| JwtError::invalid(it.to_string()))?;
    let jws = Jws::split(token)?;
    let header = Header::read(&jws)?;
    let payload = jws.payload()?;
    keys.select(&header)?.verify(&jws, header.algorithm)?;
    Ok(payload)
}

// The vectors are not part of the repository: they lie beside it.
fn read(name: &str) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/crypto");
    match std::fs::read(folder.join(name)) {
        Ok(text) => Some(serde_json::from_slice(&text).unwrap()),
        Err(error) => {
            // Not `eprintln!`, which is not shown for a test that passes.
            _ = writeln!(std::io::stderr(), "SKIPPED: {name} cannot be read: {error}");
            None
        }
    }
}

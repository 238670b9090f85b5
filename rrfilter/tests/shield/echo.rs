//! Every place, every encoding, every coding, every chunking.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;

use crate::encodings::{Random, Written, all};
use crate::support::{Pieces, Shielded, coded, data, secrets, through};

const SECRETS: [&str; 6] = [
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "a+b/c=d&e%f\\g\"h i",
    "12345678",
    "user:correct horse battery staple",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P-_",
    "pässwörd£密码",
];

/// The long run: `RR_SHIELD_RESPONSES=10000`.
#[tokio::test]
async fn an_upstream_that_echoes_the_secret_everywhere_leaks_it_nowhere() {
    let responses = std::env::var("RR_SHIELD_RESPONSES").ok().and_then(|it| it.parse().ok());
    let mut random = Random(0x5ec_2e7);
    let written: Vec<_> = SECRETS.map(|it| (it, all(it, 99))).into();
    for round in 0..responses.unwrap_or(150) {
        let (secret, ways) = &written[round % written.len()];
        let ways = [0; 4].map(|_| &ways[random.next(ways.len() as u64) as usize]);
        let response = respond(ways, &mut random);
        let response =
            through(&secrets(&[secret, "another one"]), Request::new(()), response).await;
        check(response, ways, secret).await;
    }
}

fn respond([name, value, trailer, body]: [&Written; 4], random: &mut Random) -> Response<Pieces> {
    let coding = ["identity", "gzip", "deflate", "zstd"][random.next(4) as usize];
    let content = coded(coding, &content(body));
    let mut rest = &*content;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let most = [1, 4, 64, 100_000][random.next(4) as usize];
        let (piece, after) = rest.split_at(rest.len().min(1 + random.next(most) as usize));
        pieces.push(piece);
        rest = after;
    }
    let mut trailers = HeaderMap::new();
    trailers.extend(header("x-trailer", trailer));
    let body = Pieces::of(pieces).trailers(trailers);
    let status = [200, 201, 302, 400, 401, 404, 500, 503][random.next(8) as usize];
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_ENCODING, coding)
        .header(
            CONTENT_TYPE,
            ["text/html", "application/json", "image/png"][random.next(3) as usize],
        )
        .body(body)
        .unwrap();
    let headers = response.headers_mut();
    for place in ["location", "set-cookie", "www-authenticate", "x-echo"] {
        headers.extend(header(place, value));
    }
    if let Ok(name) = HeaderName::from_bytes(&name.text[1..name.text.len() - 1]) {
        headers.append(name, HeaderValue::from_static("1"));
    }
    response
}

async fn check(response: Response<Shielded>, ways: [&Written; 4], secret: &str) {
    let [_, value, trailer, body] = ways;
    for place in ["location", "set-cookie", "www-authenticate", "x-echo"] {
        assert_eq!(response.headers().get(place).cloned(), masked_header(value), "{}", value.how);
    }
    for name in response.headers().keys() {
        assert!(!name.as_str().contains(&secret.to_ascii_lowercase()));
    }
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap().get("x-trailer").cloned();
    assert_eq!(trailers, masked_header(trailer), "{}", trailer.how);
    let expected = Written { text: body.masked(), ..body.clone() };
    assert!(collected.to_bytes() == content(&expected), "{} of {secret}", body.how);
}

fn content(written: &Written) -> Vec<u8> {
    let padding = "some text without any secret, such as sk_live or %41 or \\u0041. ".repeat(9);
    [padding.as_bytes(), &written.text, padding.as_bytes()].concat()
}

// Not every encoding can be in a header.
fn header(name: &'static str, written: &Written) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_bytes(&written.text).ok()?;
    Some((HeaderName::from_static(name), value))
}

fn masked_header(written: &Written) -> Option<HeaderValue> {
    header("x", written).and_then(|_| HeaderValue::from_bytes(&written.masked()).ok())
}

#[tokio::test]
async fn content_in_a_coding_comes_out_alike_wherever_it_is_cut() {
    let ways = all(SECRETS[1], 5);
    let text: Vec<_> = ways.iter().step_by(37).flat_map(|it| it.text.clone()).collect();
    let whole: Bytes = data(answer("identity", &[&text]).await).await.into();
    assert!(!whole.windows(SECRETS[1].len()).any(|it| it == SECRETS[1].as_bytes()));
    for coding in ["identity", "gzip", "deflate", "zstd"] {
        let content = coded(coding, &text);
        for at in 0..content.len() {
            let (first, second) = content.split_at(at);
            assert!(data(answer(coding, &[first, second]).await).await == whole, "{coding} {at}");
        }
    }
}

async fn answer(coding: &'static str, pieces: &[&[u8]]) -> Response<Shielded> {
    let body = Pieces::of(pieces.iter().copied());
    let response = Response::builder().header(CONTENT_ENCODING, coding).body(body).unwrap();
    through(&secrets(&[SECRETS[1]]), Request::new(()), response).await
}

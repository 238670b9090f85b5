//! Certificates that are replaced while they are shown.

use std::time::Duration;

use rrgateway::listen::TlsSettings;

use crate::world::{Authority, Client, Folder, Listener, Pair, get};

#[tokio::test]
async fn a_new_certificate_is_shown_and_old_connections_live_on() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let folder = Folder::with(&before.issue("localhost"));
    let listener = Listener::start(often(folder.settings()));
    let mut old = before.client(None).connect(listener.address).await.unwrap();
    folder.put(&after.issue("localhost"));
    until_served(&after.client(None), &listener).await;
    assert!(before.client(None).get(listener.address, "/").await.is_err());
    assert!(get(&mut old, "/").await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn bad_files_change_nothing_and_good_ones_end_it() {
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let (first, second) = (before.issue("localhost"), after.issue("localhost"));
    let bad: [&dyn Fn(&Folder); 5] = [
        &|it| it.put(&Pair { cert: second.cert.clone(), key: first.key.clone() }),
        &|it| it.put(&Pair { cert: "nonsense".to_owned(), key: second.key.clone() }),
        &|it| it.put(&Pair { cert: second.cert.clone(), key: String::new() }),
        &|it| _ = it.write("key.pem", &second.key, 0o644),
        &|it| std::fs::remove_file(it.path("cert.pem")).unwrap(),
    ];
    for make_bad in bad {
        let folder = Folder::with(&first);
        let listener = Listener::start(often(folder.settings()));
        make_bad(&folder);
        // Whether the files have been looked at yet or not, this is what is shown.
        for _ in 0..20 {
            assert!(before.client(None).get(listener.address, "/").await.is_ok());
        }
        folder.put(&second);
        until_served(&after.client(None), &listener).await;
    }
}

#[tokio::test]
async fn an_authority_that_is_taken_away_vouches_for_nobody() {
    let ours = Authority::new("ours");
    let (theirs, others) = (Authority::new("theirs"), Authority::new("others"));
    let folder = Folder::with(&ours.issue("localhost"));
    let listener = Listener::start(often(folder.asking(&theirs)));
    let client = ours.client(Some(&theirs.issue("agent")));
    assert!(client.get(listener.address, "/").await.is_ok());
    _ = folder.asking(&others);
    until_served(&ours.client(Some(&others.issue("agent"))), &listener).await;
    assert!(client.get(listener.address, "/").await.is_err());
}

fn often(settings: TlsSettings) -> TlsSettings {
    settings.check_every(Duration::from_millis(2))
}

async fn until_served(client: &Client, listener: &Listener) {
    let mut tries = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..4_000 {
        tries.tick().await;
        if client.get(listener.address, "/").await.is_ok() {
            return;
        }
    }
    panic!("the new certificate is not shown");
}

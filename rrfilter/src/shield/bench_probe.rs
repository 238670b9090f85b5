//! x
#[cfg(test)]
mod probe {
        use bytes::Bytes;
    use crate::shield::{Masker, Pattern, Patterns};
    fn cpu() -> u64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap() }
    #[test]
    #[expect(clippy::disallowed_methods, reason = "probe")]
    fn speed() {
        let json: String = (0..20000).map(|i| format!("{{\"id\":{i},\"name\":\"User {i}\",\"url\":\"https:\\/\\/example.com\\/u\\/{i}\",\"bio\":\"lorem ipsum dolor sit amet, consectetur \\\"{i}\\\"\"}},\n")).collect();
        let plain: String = (0..20000).map(|i| format!("{{\"id\":{i},\"name\":\"User {i}\",\"url\":\"https://example.com/u/{i}\",\"bio\":\"lorem ipsum dolor sit amet, consectetur\"}},\n")).collect();
        let percent: String = (0..50000).map(|i| format!("key{i}=a%20b%2Fc%3D{i}&")).collect();
        let uni: String = (0..100000).map(|i| format!("\\u04{:02x}", i % 80 + 16)).collect();
        let b64: String = (0..2000000).map(|i: u64| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(i.wrapping_mul(0x9E3779B97F4A7C15) >> 58) as usize])).collect();
        let hexx: String = (0..2000000).map(|i: u64| char::from(b"0123456789abcdef"[(i.wrapping_mul(0x9E3779B97F4A7C15) >> 60) as usize])).collect();
        for secrets in [&["sk_live_4eC39HqLyjWDarjtT1zdp7dc"][..], &["user:correct horse battery", "correct horse battery"]] {
            let t = cpu();
            for _ in 0..100 { std::hint::black_box(Pattern::new(secrets[0].as_bytes())); }
            println!("compile {:?}", (cpu() - t) / 100);
            let patterns = Patterns::new(secrets);
            let t = cpu();
            for p in patterns.iter() { p.plain(&[b' '; 100], 0, &mut |_, _| {}); }
            println!("finder {:?}", (cpu() - t));
            for (name, text) in [("json esc", &json), ("json", &plain), ("percent", &percent), ("unicode", &uni), ("b64", &b64), ("hex", &hexx)] {
                let bytes = Bytes::from(text.clone().into_bytes());
                let t = cpu();
                for _ in 0..60 {
                    let mut m = Masker::new(patterns.clone());
                    let mut b = bytes.clone();
                    while !b.is_empty() {
                        let p = b.split_to(b.len().min(16384));
                        std::hint::black_box(m.push(p));
                    }
                }
                let best = (cpu() - t) as f64 / bytes.len() as f64 / 60.0;
                println!("{name}: {best:.3} ns/B of {}", bytes.len());
            }
            let headers = ["text/html; charset=utf-8", "Sun, 06 Nov 1994 08:49:37 GMT", "max-age=3600, must-revalidate, stale-while-revalidate=86400", "default-src 'self'; script-src 'self' https://cdn.example.com; object-src 'none'"];
            let t = cpu();
            for _ in 0..1000 { for h in headers { std::hint::black_box(Masker::whole(&patterns, h.as_bytes())); } }
            println!("4 headers {:?}", (cpu() - t) / 1000);
        }
    }
}

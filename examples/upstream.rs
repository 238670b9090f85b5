//! An upstream API to try the gateway with: a small CRM on 127.0.0.1:9000.
//!
//! `cargo run --example upstream`

use rrgateway::demo::Echo;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let upstream = Echo::listen("127.0.0.1:9000".parse()?).await?;
    println!("http://{}/customers/7 and /report.txt; Ctrl-C ends", upstream.address());
    tokio::signal::ctrl_c().await?;
    println!("{} requests", upstream.count());
    Ok(())
}

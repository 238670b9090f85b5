//! The whole gateway inside a program of yours: both planes, on free ports, configured over HTTP.
//!
//! `cargo run --example embedded_gateway`

use rrgateway::Gateway;
use rrgateway::demo::Echo;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An upstream to call. Loopback addresses may be called only because we say so.
    let upstream = Echo::start().await?;
    let gateway = Gateway::builder().egress_allow(["127.0.0.0/8".parse()?]).start().await?;

    println!("upstream: http://{}", upstream.address());
    println!("Core API: http://{}/v1", gateway.control_address());
    println!("callers:  http://{}/api/…", gateway.data_address());
    println!("token:    {}", gateway.token_path().display());

    gateway.stop().await?;
    Ok(())
}

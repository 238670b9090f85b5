//! A running demonstration: its gateway, its upstream, and its callers.

use std::time::Duration;

use anyhow::Context as _;

use crate::demo::api::Api;
use crate::demo::caller::Caller;
use crate::demo::echo::Echo;
use crate::demo::page;
use crate::demo::sample::{self, Sample};
use crate::demo::scene::{self, Demonstration};
use crate::gateway::Gateway;

/// A gateway with a sample client, configured through its own Core API.
#[derive(Debug)]
pub struct Session {
    gateway: Gateway,
    sample: Sample,
}

impl Session {
    /// Starts both, and configures the gateway.
    ///
    /// # Errors
    /// Says which step failed.
    pub async fn start() -> anyhow::Result<Self> {
        let echo = Echo::start().await?;
        let loopback = ["127.0.0.0/8".parse()?, "::1/128".parse()?];
        let gateway = Gateway::builder()
            .egress_allow(loopback)
            .drain_grace(Duration::from_secs(2))
            .start()
            .await?;
        let api = Api::new(gateway.control_address(), &gateway.owner_token()?);
        let keys = sample::configure(&api, &echo).await;
        let keys = keys.context("the Core API did not take the sample")?;
        let caller = Caller::of(gateway.data_address());
        Ok(Self { gateway, sample: Sample { echo, api, caller, keys } })
    }

    /// Sends one request for each outcome.
    ///
    /// # Errors
    /// When a request got no answer at all. An unexpected answer is no error here: see
    /// [`Demonstration::unexpected`].
    pub async fn run(&self) -> anyhow::Result<Demonstration> {
        scene::play(&self.sample).await
    }

    /// What to try by hand.
    #[must_use]
    pub fn invitation(&self) -> String {
        let (data, control) = (self.gateway.data_address(), self.gateway.control_address());
        page::invitation(data, control, &self.sample.keys.agent)
    }

    /// Stops the gateway and the upstream.
    ///
    /// # Errors
    /// When requests were still in flight.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.gateway.stop().await
    }
}

//! Programs that run inside the store, each in one step that nothing comes between.

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use super::connection::Connection;

macro_rules! with_windows {
    ($file:literal) => {
        concat!(include_str!("lua/windows.lua"), include_str!($file))
    };
}

/// A script, known to the store by its digest once it has run there.
pub(crate) struct Script {
    source: &'static str,
    digest: String,
}

/// One run of a script: its keys, and what it is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Text(&'static str),
    Name(Vec<u8>),
    Number(i64),
}

pub(crate) struct Scripts {
    pub(crate) take: Script,
    pub(crate) refund: Script,
    pub(crate) release: Script,
    pub(crate) beat: Script,
    pub(crate) renew: Script,
    pub(crate) leave: Script,
    pub(crate) look: Script,
    pub(crate) late: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            take: Script::new(with_windows!("lua/take.lua")),
            refund: Script::new(with_windows!("lua/refund.lua")),
            release: Script::new(include_str!("lua/release.lua")),
            beat: Script::new(with_windows!("lua/beat.lua")),
            renew: Script::new(with_windows!("lua/renew.lua")),
            leave: Script::new(include_str!("lua/leave.lua")),
            look: Script::new(with_windows!("lua/look.lua")),
            late: Script::new(with_windows!("lua/late.lua")),
        }
    }
}

impl Script {
    fn new(source: &'static str) -> Self {
        let digest = redis::Script::new(source).get_hash().to_owned();
        Self { source, digest }
    }

    /// Runs it. A store that does not know it (a new one, or one whose memory was cleared) is told
    /// it, once; then nothing had been done before.
    pub(crate) async fn run(
        &self,
        connection: &mut Connection,
        run: &Run,
    ) -> Result<Value, RedisError> {
        match connection.send(&run.command("EVALSHA", &self.digest)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.send(&run.command("EVAL", self.source)).await
            }
            other => other,
        }
    }
}

impl Run {
    pub(crate) fn text(&mut self, text: &'static str) {
        self.arguments.push(Argument::Text(text));
    }

    pub(crate) fn name(&mut self, name: Vec<u8>) {
        self.arguments.push(Argument::Name(name));
    }

    pub(crate) fn number(&mut self, number: u64) {
        let number = i64::try_from(number).unwrap_or(EXACT);
        self.signed(number);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.arguments.push(Argument::Number(number.clamp(-EXACT, EXACT)));
    }

    fn command(&self, name: &'static str, script: &str) -> redis::Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len());
        for key in &self.keys {
            command.arg(key);
        }
        for argument in &self.arguments {
            match argument {
                Argument::Text(text) => command.arg(*text),
                Argument::Name(name) => command.arg(name),
                Argument::Number(number) => command.arg(*number),
            };
        }
        command
    }
}

/// The script's numbers are doubles: up to here they are exact.
const EXACT: i64 = (1 << 53) - 1;

//! A master key from a command that prints it.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::vault::error::{Origin, VaultError};
use crate::vault::key_text;

/// Runs `argv` without a shell, and reads the key that it prints. What it prints on its standard
/// error is thrown away: who knows what that is.
pub(crate) fn load(argv: &[String], patience: Duration) -> Result<Bytes, VaultError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(VaultError::key(Origin::Command(String::new()), "it is empty"));
    };
    let origin = || Origin::Command(program.clone());
    let io = |error| VaultError::key_io(origin(), error);
    let refuse = |problem| VaultError::key(origin(), problem);

    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(io)?;
    let Some((text, status)) = finish(&mut child, patience).map_err(io)? else {
        return Err(refuse(format!("it has not ended after {} s", patience.as_secs_f32())));
    };
    if !status.success() {
        return Err(refuse(format!("it failed ({status})")));
    }
    key_text::digits_or_base64(&text).ok_or_else(|| refuse(CONTENT.to_owned()))
}

type Bytes = Zeroizing<[u8; 32]>;
type Text = Zeroizing<Vec<u8>>;

// `None`: it took too long, and was killed.
fn finish(child: &mut Child, patience: Duration) -> io::Result<Option<(Text, ExitStatus)>> {
    let output = child.stdout.take();
    let (reply, answer) = mpsc::sync_channel(1);
    // Nobody joins it: what the command has started may keep the pipe open for ever.
    thread::Builder::new().name("vault-key".to_owned()).spawn(move || {
        // Room for more than is valid, so that the buffer never grows and leaves a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        let read = output.map_or(Ok(0), |it| it.take(128).read_to_end(&mut text));
        _ = reply.send(read.map(|_| text));
    })?;
    let text = match answer.recv_timeout(patience) {
        Ok(text) => text,
        Err(RecvTimeoutError::Timeout) => return end(child).map(|()| None),
        Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::BrokenPipe.into()),
    };
    // It has closed its output; it ends at once, or it does more than it should.
    for _ in 0..patience.as_millis().div_ceil(STEP.as_millis()) {
        if let Some(status) = child.try_wait()? {
            return text.map(|it| Some((it, status)));
        }
        thread::sleep(STEP);
    }
    end(child).map(|()| None)
}

fn end(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

const STEP: Duration = Duration::from_millis(2);
const CONTENT: &str =
    "it does not print exactly 64 hexadecimal digits, or 32 bytes in base64, on one line";

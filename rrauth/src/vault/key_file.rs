//! The file that holds the master key: made whole, and refused unless it is private.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::hex;
use crate::random;
use crate::vault::error::{Origin, VaultError};
use crate::vault::key_text;

type Bytes = Zeroizing<[u8; 32]>;

pub(crate) fn load(path: &Path) -> Result<Bytes, VaultError> {
    match try_load(path)? {
        Some(bytes) => Ok(bytes),
        None => Err(VaultError::key(origin(path), "there is no such file")),
    }
}

pub(crate) fn load_or_create(path: &Path) -> Result<Bytes, VaultError> {
    if let Some(bytes) = try_load(path)? {
        return Ok(bytes);
    }
    create(path)?;
    // Read back: another process may have been first, and what counts is what is there.
    load(path)
}

// `None`: there is nothing at all, not even a dangling symlink.
fn try_load(path: &Path) -> Result<Option<Bytes>, VaultError> {
    let io = |error| VaultError::key_io(origin(path), error);
    let refuse = |problem| VaultError::key(origin(path), problem);

    let seen = match fs::symlink_metadata(path) {
        Ok(seen) => seen,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    // Before opening: a FIFO would block.
    check_access(&seen).map_err(refuse)?;
    let file = File::open(path).map_err(io)?;
    let opened = file.metadata().map_err(io)?;
    if (seen.dev(), seen.ino()) != (opened.dev(), opened.ino()) {
        return Err(refuse("it was exchanged while it was opened"));
    }
    check_access(&opened).map_err(refuse)?;
    let bytes = read(file).map_err(io)?.ok_or_else(|| refuse(CONTENT))?;
    sweep(path);
    Ok(Some(bytes))
}

fn check_access(metadata: &Metadata) -> Result<(), &'static str> {
    if metadata.is_symlink() {
        Err("it is a symbolic link")
    } else if !metadata.is_file() {
        Err("it is not a file")
    } else if metadata.mode() & 0o077 != 0 {
        Err("group or others have access to it (its mode must be 0600 or stricter)")
    } else {
        Ok(())
    }
}

fn read(file: File) -> io::Result<Option<Bytes>> {
    // Room for more than is valid, so that the buffer never grows and leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(256));
    file.take(128).read_to_end(&mut text)?;
    Ok(key_text::digits(&text))
}

fn create(path: &Path) -> Result<(), VaultError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let mut mark = [0; 8];
    random::fill(&mut *bytes)?;
    random::fill(&mut mark)?;
    let draft = draft_start(path).ok_or_else(|| VaultError::key(origin(path), "it has no name"))?;
    let draft = folder(path).join(draft + &hex::encode(&mark) + DRAFT_END);

    let outcome = write(&draft, &bytes).and_then(|()| publish(&draft, path));
    // Also after an error, since it may hold a key. What stays is swept at the next load.
    _ = fs::remove_file(&draft);
    outcome.map_err(|error| VaultError::key_io(origin(path), error))
}

fn write(draft: &Path, bytes: &Bytes) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    let text = Zeroizing::new(hex::encode(&**bytes));
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

// A hard link, not a rename: it never replaces a key that another process has made meanwhile.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => {}
        // Another process was first, and may have swept our draft away.
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
        Err(error) => return Err(error),
    }
    // Whoever made it: nothing may be sealed under a key that a power cut could take back.
    File::open(folder(path))?.sync_all()
}

// A crash can leave a draft behind, which holds a key: ours, or one that was never used.
fn sweep(path: &Path) {
    let (Some(start), Ok(entries)) = (draft_start(path), fs::read_dir(folder(path))) else {
        return;
    };
    let names = entries.flatten().map(|it| it.file_name());
    for name in names.filter_map(|it| it.into_string().ok()) {
        let mark = name.strip_prefix(&start).and_then(|it| it.strip_suffix(DRAFT_END));
        if mark.is_some_and(|it| it.len() == 16 && it.bytes().all(|it| it.is_ascii_hexdigit())) {
            // Best effort: the key itself has been read, and the draft is as private as it is.
            _ = fs::remove_file(folder(path).join(name));
        }
    }
}

fn origin(path: &Path) -> Origin {
    Origin::File(path.to_owned())
}

fn draft_start(path: &Path) -> Option<String> {
    Some(format!(".{}.", path.file_name()?.to_str()?))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

const CONTENT: &str = "it does not hold exactly 64 hexadecimal digits on one line";
const DRAFT_END: &str = ".tmp";

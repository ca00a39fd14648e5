//! Opens files that others can touch: whoever may write to a directory can put a pipe, a device or
//! a file without an end where a file is expected. Only a plain file is read, of at most so many
//! bytes, and opening it never waits for another process.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where files are opened, by threads that may block"
)]

mod at_work;
mod reread;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;

pub use self::at_work::{AtWork, at_work, stuck};
pub use self::reread::Reread;

/// The bytes of the plain file that `path` leads to, and what it is. The reason of an error does not
/// name the file.
///
/// # Errors
/// What the operating system says, or that it is no plain file, or larger than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let _at_work = at_work(path);
    // Opening some devices has an effect, hence a look before.
    check_kind(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(FLAGS.bits());
    contents(options.open(path)?, most)
}

/// The same as text.
///
/// # Errors
/// As [`read`], or that it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<(String, Metadata)> {
    let (bytes, data) = read(path, most)?;
    let no_text = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    if let Some(kind) = kind_of_bytes(&bytes) {
        return Err(no_text(format!("it is {kind}, not UTF-8")));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_text("it is not UTF-8".to_owned()))?;
    Ok((text, data))
}

/// What bytes are that should be a text in UTF-8, where their beginning says it. Windows writes UTF-16,
/// with a mark at its start or without: then every second byte of plain words is zero.
#[must_use]
pub fn kind_of_bytes(bytes: &[u8]) -> Option<&'static str> {
    let is_zero = |at: usize| bytes.get(at) == Some(&0);
    let is_utf16 = (is_zero(0) != is_zero(1)) && (is_zero(2) != is_zero(3));
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _] | [_, 0] => Some("UTF-16"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        [0x1f, 0x8b, ..] => Some("compressed with gzip"),
        [b'M', b'Z', _, 0, ..] => Some("a program of Windows"),
        [0x7f, b'E', b'L', b'F', ..] => Some("a program"),
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => Some("a program of macOS"),
        [_, _, _, _, ..] if is_zero(0) == is_zero(2) && is_zero(1) == is_zero(3) && is_utf16 => {
            Some("UTF-16")
        }
        _ => None,
    }
}

/// Neither a pipe without a writer nor a terminal makes an opening with these wait or have an effect.
pub(crate) const FLAGS: OFlag = OFlag::O_NONBLOCK
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// What is in an opened `file`, which may be another than the one that was looked at.
pub(crate) fn contents(file: File, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let data = file.metadata()?;
    check_kind(&data)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it is larger than {}", size(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok((bytes, data))
}

fn check_kind(data: &Metadata) -> io::Result<()> {
    let kind = data.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        let why = "it is a directory";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, why));
    }
    let what = if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    let why = format!("it is {what}, not a plain file");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_a_plain_file_is_read_and_nothing_waits() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();
        fs::create_dir(path("directory")).unwrap();
        symlink("/dev/zero", path("zero")).unwrap();
        symlink(path("pipe"), path("link to a pipe")).unwrap();
        for (name, expected) in [
            ("pipe", "it is a pipe, not a plain file"),
            ("link to a pipe", "it is a pipe, not a plain file"),
            ("socket", "it is a socket, not a plain file"),
            ("zero", "it is a device, not a plain file"),
            ("directory", "it is a directory"),
        ] {
            let error = read(&path(name), 10).unwrap_err();
            assert_eq!(error.to_string(), expected, "{name}");
        }
        let mut pipe = OpenOptions::new();
        pipe.read(true).custom_flags(FLAGS.bits());
        let opened = pipe.open(path("pipe")).unwrap();
        contents(opened, 10).unwrap_err();
    }

    #[test]
    fn what_is_no_text_is_named() {
        let utf16 = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        for (bytes, expected) in [
            (utf16("\u{feff}{}"), Some("UTF-16")),
            (utf16("{}"), Some("UTF-16")),
            (utf16("{"), Some("UTF-16")),
            (vec![0, b'{', 0, b'}'], Some("UTF-16")),
            (b"PK\x03\x04x".to_vec(), Some("a ZIP archive")),
            (b"\x7fELF\x02".to_vec(), Some("a program")),
            (b"MZ\x90\0\x03".to_vec(), Some("a program of Windows")),
            (b"{}".to_vec(), None),
            (b"".to_vec(), None),
            (b"a\0\0b".to_vec(), None),
            ("\u{feff}{}".as_bytes().to_vec(), None),
        ] {
            assert_eq!(kind_of_bytes(&bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("plain");
        fs::write(&path, "0123456789").unwrap();
        let link = home.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 10).unwrap().0, b"0123456789");
        assert_eq!(read_text(&path, 10).unwrap().0, "0123456789");
        let error = read(&path, 9).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 9 bytes");
        fs::write(&path, [0xff]).unwrap();
        let error = read_text(&path, 9).unwrap_err();
        assert_eq!(error.to_string(), "it is not UTF-8");
        fs::write(&path, b"\xff\xfea\0").unwrap();
        let error = read_text(&path, 9).unwrap_err();
        assert_eq!(error.to_string(), "it is UTF-16, not UTF-8");
    }
}

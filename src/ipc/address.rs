//! Where a server listens: an abstract name, which needs no writable file system, or a path.

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

/// The environment variable that names the socket.
const VARIABLE: &str = "SEREL_SOCKET";

/// The environment variable that names the socket of the run of serelrc that a script belongs to.
pub const RUN: &str = "SEREL_RUN";

/// The abstract name where nothing else is said.
const DEFAULT: &[u8] = b"serel";

/// Where to listen or connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name in the kernel's own table, written `@name`.
    Abstract(Vec<u8>),
    /// A socket file.
    Path(PathBuf),
}

impl Address {
    /// Reads `@name` or a path.
    pub fn parse(text: &OsStr) -> Self {
        match text.as_bytes().strip_prefix(b"@") {
            Some(name) => Address::Abstract(name.to_vec()),
            None => Address::Path(text.into()),
        }
    }

    /// What the command line says, else the environment, else the default.
    pub fn choose(option: Option<OsString>) -> Self {
        let text = option.or_else(|| std::env::var_os(VARIABLE)).filter(|text| !text.is_empty());
        text.map_or_else(|| Address::Abstract(DEFAULT.to_vec()), |text| Address::parse(&text))
    }

    fn socket(&self) -> io::Result<SocketAddr> {
        match self {
            Address::Abstract(name) if name.is_empty() => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no name behind the @"))
            }
            Address::Abstract(name) => SocketAddr::from_abstract_name(name),
            Address::Path(path) => SocketAddr::from_pathname(path),
        }
    }

    /// Listens there. A socket file that nobody listens at any more is replaced.
    pub fn listen(&self) -> io::Result<UnixListener> {
        let first = UnixListener::bind_addr(&self.socket()?);
        let (Address::Path(path), Err(error)) = (self, &first) else { return first };
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if error.kind() == io::ErrorKind::AddrInUse
            && path.symlink_metadata()?.file_type().is_socket()
            && self.connect(None).is_err_and(|error| refused(&error))
        {
            std::fs::remove_file(path)?;
            return UnixListener::bind_addr(&self.socket()?);
        }
        first
    }

    /// Connects to it. A server that does not take the connection, or later does not read, is waited for no longer
    /// than the limit; without one, as long as it takes.
    pub fn connect(&self, limit: Option<Duration>) -> io::Result<UnixStream> {
        let checked = self.socket()?;
        let Some(limit) = limit else { return UnixStream::connect_addr(&checked) };
        let (kind, flags) = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
        let stream = UnixStream::from(socket(AddressFamily::Unix, kind, flags, None)?);
        // It holds for connect(2), too (socket(7)).
        stream.set_write_timeout(Some(limit.max(Duration::from_millis(1))))?;
        let address = match self {
            Address::Abstract(name) => UnixAddr::new_abstract(name)?,
            Address::Path(path) => UnixAddr::new(path)?,
        };
        connect(stream.as_raw_fd(), &address)?;
        Ok(stream)
    }

    /// Removes the socket file, if there is one.
    pub fn remove(&self) {
        if let Address::Path(path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whom a client may speak to.
#[derive(Debug, Clone)]
pub struct Servers {
    /// The run of serelrc that the caller belongs to.
    pub run: Option<Address>,
    /// The daemon.
    pub daemon: Address,
}

impl Servers {
    /// What the command line says, and nothing else; or the run, if there is one, and the daemon.
    pub fn choose(option: Option<OsString>) -> Self {
        let run = std::env::var_os(RUN).filter(|text| option.is_none() && !text.is_empty());
        Self { run: run.map(|text| Address::parse(&text)), daemon: Address::choose(option) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Abstract(name) => write!(f, "@{}", crate::text::harmless(name)),
            Address::Path(path) => path.display().fmt(f),
        }
    }
}

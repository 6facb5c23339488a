//! Where the console's bytes go: a writer that never stops the run.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Any writer, until it fails; from then on nothing is written, and nobody is told: there is nowhere to tell it.
#[derive(Debug)]
pub(super) struct Sink<W> {
    out: W,
    broken: bool,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, broken: false }
    }

    /// Writes all of it at once.
    pub(super) fn put(&mut self, text: &str) {
        if self.broken || text.is_empty() {
            return;
        }
        self.broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
    }
}

/// A file descriptor that waits when it would block: a job that had the console may have left it non-blocking.
#[derive(Debug)]
pub struct Patient {
    file: File,
}

impl Patient {
    /// Writes to a duplicate of the descriptor. Errors when it cannot be duplicated.
    pub fn new(fd: BorrowedFd) -> io::Result<Self> {
        Ok(Self { file: File::from(fd.try_clone_to_owned()?) })
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                    poll(&mut fds, PollTimeout::NONE)?;
                }
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn after_an_error_nothing_more_is_tried() {
        struct Closed(usize);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                Err(io::Error::from(io::ErrorKind::BrokenPipe))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut sink = Sink::new(Closed(0));
        sink.put("a");
        sink.put("b");
        assert_eq!(sink.out.0, 1);
    }

    #[test]
    fn a_full_non_blocking_pipe_delays_and_loses_nothing() {
        let (mut reader, writer) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
        let text = "x".repeat(1 << 20);
        let mut sink = Sink::new(Patient::new(writer.as_fd()).unwrap());
        drop(writer);
        let reading = std::thread::spawn(move || {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).unwrap();
            got.len()
        });
        sink.put(&text);
        assert!(!sink.broken);
        drop(sink);
        assert_eq!(reading.join().unwrap(), text.len());
    }
}

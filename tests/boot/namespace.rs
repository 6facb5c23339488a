//! Programs in a user namespace: root there is nobody here.
//!
//! A namespace in which this machine's root is the root would not do: the files that set up the kernel ask for no more
//! than the user. The users of this namespace are some that this machine does not have.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// The user and the group that are root in the namespace; 65,535 more follow.
pub(crate) const FIRST_ID: u32 = 100_000;

/// A program that runs as root of a namespace, and is killed with this value or the thread that started it.
#[derive(Debug)]
pub(crate) struct Namespace {
    child: Child,
}

impl Namespace {
    /// Starts a program with its arguments and working directory, in the mount namespace of another process if one is
    /// named. Its standard input is a pipe; both outputs are `errors`.
    #[track_caller]
    pub(crate) fn enter(program: &Command, beside: Option<u32>, errors: Stdio) -> Self {
        let mut namespace = Self::ready(program, beside, errors);
        namespace.go();
        namespace
    }

    /// The same, but that nothing is done before it is told to go.
    #[track_caller]
    pub(crate) fn ready(program: &Command, beside: Option<u32>, errors: Stdio) -> Self {
        let mut command;
        match beside {
            None => command = Command::new("unshare"),
            Some(pid) => {
                command = Command::new("nsenter");
                command.arg(format!("--mount=/proc/{pid}/ns/mnt")).arg("unshare");
            }
        }
        // It cannot be root before it is said who that is.
        let wait = "echo ready; read -r go; exec setpriv --reuid=0 --regid=0 --clear-groups --inh-caps=-all --ambient-caps=-all --pdeathsig=KILL \"$@\" >&2";
        command.args(["--user", "--keep-caps", "sh", "-c", wait, "sh"]);
        command.arg(program.get_program()).args(program.get_args().map(OsString::from));
        if let Some(dir) = program.get_current_dir() {
            command.current_dir(dir);
        }
        command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let mut namespace = Self { child };
        let mut line = String::new();
        let said = namespace.child.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a pipe can be read");
        assert_eq!(line, "ready\n", "this machine makes no user namespace: {command:?}");
        for map in ["uid_map", "gid_map"] {
            let file = format!("/proc/{}/{map}", namespace.id());
            fs::write(&file, format!("0 {FIRST_ID} 65536"))
                .unwrap_or_else(|error| panic!("cannot say who is who in a user namespace: {file}: {error}"));
        }
        namespace
    }

    /// Starts a program that makes its own namespaces.
    #[allow(dead_code, reason = "for the bench")]
    pub(crate) fn made_by(program: &mut Command) -> Self {
        let child = program.spawn().unwrap_or_else(|error| panic!("cannot run {program:?}: {error}"));
        Self { child }
    }

    /// Lets it begin.
    pub(crate) fn go(&mut self) {
        writeln!(self.input(), "go").expect("the shell waits for it");
    }

    /// Its process, which is not its root's: what that one runs may be a child.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input.
    pub(crate) fn input(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("open until it is waited for")
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("our own child")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Or it has ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

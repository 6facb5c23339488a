//! Debian's kernel, fetched and unpacked, not installed: the kernel proper, and the modules that a disk needs.
//!
//! Its package has it packed, and an interpreted processor unpacks for three seconds what this machine unpacks at once.

use crate::tools::{Tools, build_dir, fetch, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a machine with a disk loads, in this order.
pub(crate) const MODULES: [&str; 11] = [
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "drivers/block/virtio_blk",
    "lib/crc16",
    "crypto/crc32c_generic",
    "fs/mbcache",
    "fs/jbd2/jbd2",
    "fs/ext4/ext4",
];

/// Where in a packed kernel its parts are told: Linux, Documentation/arch/x86/boot.rst.
const SETUP_SECTORS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// A kernel that is ready to boot.
#[derive(Debug)]
pub(crate) struct Linux {
    dir: PathBuf,
}

impl Linux {
    /// Fetches the one that belongs to the headers, unless it is there from an earlier run.
    pub(crate) fn ready(tools: &Tools) -> Self {
        let Tools { release, headers, .. } = tools;
        let linux = Self { dir: build_dir().join(format!("linux-{release}-{headers}")) };
        if linux.dir.exists() {
            return linux;
        }
        let fetched = build_dir().join("fetched");
        let image = format!("linux-image-{release}={headers}");
        fetch(&fetched, &[&image], "apt-get update && apt-get install linux-headers-amd64");
        let deb = fs::read_dir(&fetched)
            .expect("our own directory")
            .next()
            .expect("apt-get download leaves a file");
        let modules = MODULES.map(|name| format!("./lib/modules/{release}/kernel/{name}.ko"));
        let unpack = r#"dpkg-deb --fsys-tarfile "$0" | tar --extract "$@""#;
        let mut tar = Command::new("sh");
        tar.args(["-c", unpack]).arg(deb.expect("readable").path());
        run(tar.arg(format!("./boot/vmlinuz-{release}")).args(&modules).current_dir(&fetched));
        let making = fetched.join("linux");
        fs::create_dir(&making).expect("our own directory");
        for path in &modules {
            let name = Path::new(path).file_name().expect("a file");
            fs::rename(fetched.join(path), making.join(name)).expect("our own files");
        }
        unpack_kernel(&fetched.join(format!("boot/vmlinuz-{release}")), &making.join("vmlinux"));
        fs::rename(making, &linux.dir).expect("our own directory");
        fs::remove_dir_all(&fetched).expect("our own directory");
        linux
    }

    /// The kernel proper.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinux")
    }

    /// The file of one of [`MODULES`].
    pub(crate) fn module(&self, name: &str) -> PathBuf {
        let name = name.rsplit('/').next().expect("a name");
        self.dir.join(format!("{name}.ko"))
    }
}

/// Unpacks a kernel that was packed with xz; another one is taken as it is.
fn unpack_kernel(packed: &Path, to: &Path) {
    let bytes = fs::read(packed).expect("a kernel");
    let number = |at: usize| {
        let four: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(four) as usize
    };
    let begin = (usize::from(bytes[SETUP_SECTORS]) + 1) * 512 + number(PAYLOAD_OFFSET);
    // The last four bytes are the length of what comes out.
    let payload = bytes.get(begin..begin + number(PAYLOAD_LENGTH) - 4);
    let Some(payload) = payload.filter(|payload| payload.starts_with(b"\xfd7zXZ")) else {
        println!("{} is not packed with xz, and is used as it is", packed.display());
        fs::copy(packed, to).expect("our own directory");
        return;
    };
    let cut = packed.with_extension("xz");
    fs::write(&cut, payload).expect("our own directory");
    run(Command::new("sh").args(["-c", r#"xz --decompress --stdout "$0" > "$1""#]).arg(cut).arg(to));
}

//! Programs that make an initramfs: dracut, and mkinitramfs of initramfs-tools.
//!
//! Both are told what to put in by a file of parameters that a module or a hook of ours reads (contrib/dracut,
//! contrib/initramfs-tools). While an image is made that file is another one, which a variable names; it takes its
//! place when the image is good.

use crate::systemtap::settings::Settings;
use std::path::{Path, PathBuf};

/// The variable that names the file of parameters for the image that is being made.
pub(super) const GIVEN: &str = "SYSTEMTAP_SERVICE_PARAMETERS";

/// One of them, as it is installed here.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    /// The program.
    pub(super) program: PathBuf,
    /// The program that lists what is in an image; without one the size of the image must do.
    pub(super) lister: Option<PathBuf>,
    /// Where our parameters go.
    pub(super) parameters: PathBuf,
    /// The image that is booted by default, of a kernel.
    image: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Dracut,
    InitramfsTools,
}

impl Generator {
    /// The one that is installed together with our part of it. Errors with what is missing.
    pub(super) fn find(settings: &Settings) -> Result<Self, String> {
        let (module, hook) = (&settings.dracut_path, settings.initramfs_path.join("hooks/systemtap"));
        match (settings.tool("DRACUT"), settings.tool("MKINITRAMFS")) {
            (Ok(program), _) if module.is_dir() => Ok(Self {
                program,
                lister: settings.tool("LSINITRD").ok(),
                parameters: module.join("params.conf"),
                image: "initramfs-{}.img",
                kind: Kind::Dracut,
            }),
            (_, Ok(program)) if hook.is_file() => Ok(Self {
                program,
                lister: settings.tool("LSINITRAMFS").ok(),
                parameters: settings.initramfs_path.join("systemtap-params.conf"),
                image: "initrd.img-{}",
                kind: Kind::InitramfsTools,
            }),
            (Ok(_), _) => Err(format!("the dracut module {} is not installed", module.display())),
            (_, Ok(_)) => Err(format!("the hook {} is not installed", hook.display())),
            (Err(_), Err(_)) => Err("DRACUT not found, and no mkinitramfs either".to_owned()),
        }
    }

    /// The image that is booted by default.
    pub(super) fn default_image(&self, settings: &Settings, release: &str) -> PathBuf {
        settings.boot_path.join(self.image.replace("{}", release))
    }

    /// The arguments with which it makes an image.
    pub(super) fn arguments(&self, image: &Path, release: &str, with_scripts: bool) -> Vec<String> {
        let image = image.display().to_string();
        let words: &[&str] = match self.kind {
            Kind::Dracut if with_scripts => &["--add", "stap", "--force", &image, release],
            Kind::Dracut => &["--force", &image, release],
            Kind::InitramfsTools => &["-o", &image, release],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

//! Links the unwinder statically, because each shared library costs a boot tool start-up time.
//!
//! Rust's std asks for `libgcc_s.so` for its unwinder alone; mapping and relocating it takes a quarter of the time of
//! `/bin/true` (bench/README.md, "Start-up"). With `libgcc_eh.a` earlier on the linker's line the shared one is left
//! out. It is only done where a trial link shows that it works; elsewhere the build is what it would have been.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Calls what std calls of the unwinder, so that the trial needs all of it.
const TRIAL: &str = "\
extern int _Unwind_Backtrace(void *, void *);
extern unsigned long _Unwind_GetIP(void *);
static int frame(void *context, void *unused) { (void)unused; return _Unwind_GetIP(context) == 0; }
int main(void) { return _Unwind_Backtrace((void *)frame, 0) == 1; }
";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    if wanted() && trial_links() {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Optimised builds for dynamic glibc only: others have no `libgcc_s.so` to lose, or no hurry.
fn wanted() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let static_libc =
        env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|list| list.split(',').any(|f| f == "crt-static"));
    is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && !static_libc
}

/// Whether the linker of this target makes a program with the static unwinder and no other library than libc.
fn trial_links() -> bool {
    let linker = match env::var_os("RUSTC_LINKER") {
        Some(linker) => linker,
        None if env::var_os("HOST") == env::var_os("TARGET") => "cc".into(),
        None => return false,
    };
    let Some(dir) = env::var_os("OUT_DIR") else { return false };
    let source = Path::new(&dir).join("trial.c");
    fs::write(&source, TRIAL).is_ok()
        && Command::new(linker)
            .arg(&source)
            .arg("-o")
            .arg(Path::new(&dir).join("trial"))
            .args(["-nodefaultlibs", "-Wl,-Bstatic", "-lgcc_eh", "-Wl,-Bdynamic", "-lc"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

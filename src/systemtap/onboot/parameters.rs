//! What the initramfs has to know, as a file of shell variables with names that were checked and values in quotes.

use crate::systemtap::scripts::Script;
use crate::systemtap::service::Service;
use std::path::Path;

/// The text of the file. Errors with what cannot be found, or with a script that cannot be started so early.
pub(super) fn text(service: &Service<'_>, scripts: &[Script]) -> Result<String, String> {
    let settings = &service.settings;
    let tool = |parameter: &str| settings.tool(parameter).map_or_else(|_| String::new(), |path| shown(&path));
    let names: Vec<&str> = scripts.iter().map(|script| script.name.as_str()).collect();
    let mut text = "# Written by systemtap-service onboot.\n".to_owned();
    for (name, value) in [
        ("STAPRUN", tool("STAPRUN")),
        ("STAPIO", tool("STAPIO")),
        ("CACHE_PATH", shown(&settings.cache_path)),
        ("STAT_PATH", shown(&settings.stat_path)),
        ("KRELEASE", service.kernel.release.clone()),
        ("LOG_BOOT_ERR", u8::from(settings.log_boot_err).to_string()),
        ("ONBOOT_SCRIPTS", names.join(" ")),
    ] {
        text += &format!("{name}={}\n", quoted(&value));
    }
    for script in scripts {
        let options = script.options.as_ref().map_err(Clone::clone)?;
        // The hook splits them at blanks.
        if options.run.iter().any(|word| word.contains(char::is_whitespace) || word.is_empty()) {
            return Err(format!("an option of {} has a blank in it", script.name));
        }
        // staprun must not stay in the foreground: the boot would wait for it for ever.
        let words: Vec<&str> = options.run.iter().map(String::as_str).chain(["-L"]).collect();
        text += &format!("{}_OPT={}\n", script.name, quoted(&words.join(" ")));
    }
    Ok(text)
}

/// A value in single quotes, for a shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

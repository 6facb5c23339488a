//! `onboot`: an initramfs that loads scripts before anything else runs.
//!
//! The new image is made beside its place and looked into before it takes it: a machine whose initramfs is broken
//! does not boot. Requirements are not followed unless asked for; scripts are loaded in their order.

mod generator;
mod parameters;

use super::command::{FAILED, NOT_INSTALLED, OK, fail, log, prepare, print};
use super::console::Ending;
use super::kernel::Kernel;
use super::run::carry_out;
use super::scripts::Script;
use super::select::with_requirements;
use super::service::{Service, Trouble};
use super::settings::Runtime;
use super::status::replace;
use super::unit::{Job, Kind};
use generator::Generator;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Does it.
pub fn onboot(service: &Service<'_>) -> u8 {
    match create(service) {
        Ok(()) => OK,
        Err(trouble) => fail(service, trouble.code, &trouble.text),
    }
}

fn trouble(text: impl Into<String>) -> Trouble {
    Trouble { code: FAILED, text: text.into() }
}

fn create(service: &Service<'_>) -> Result<(), Trouble> {
    let generator = Generator::find(&service.settings).map_err(trouble)?;
    let names = selected(service);
    for parameter in ["STAPRUN", "STAPIO"].iter().filter(|_| !names.is_empty()) {
        let missing = |text| Trouble { code: NOT_INSTALLED, text };
        service.settings.tool(parameter).map_err(missing)?;
    }
    let compiled = compiled(service, &names)?;
    let scripts = checked(service, &compiled)?;
    if scripts.is_empty() && !names.is_empty() {
        return Err(trouble("No scripts left to operate on"));
    }
    let with: Vec<&str> = scripts.iter().map(|script| script.name.as_str()).collect();
    let parameters = parameters::text(service, &scripts).map_err(trouble)?;
    let image = match &service.call.image {
        Some(image) => std::path::absolute(image).unwrap_or_else(|_| image.into()),
        None => generator.default_image(&service.settings, &service.kernel.release),
    };
    let staged = stage(&image)?;
    let title =
        if with.is_empty() { "without scripts".to_owned() } else { format!("with {}", with.join(" ")) };
    print(&format!(" Creating initramfs {title} ... "));
    service.journal.write(&format!("Creating initramfs {title}"));
    let put = generate(service, &generator, &staged, &parameters, !with.is_empty()).and_then(|()| {
        put(service, &staged, &image)?;
        // What is made later, by an upgrade of the kernel, is as what is booted is: not as an image for another name
        // or another kernel was. Before this moment nobody who makes an image sees anything of ours.
        if service.call.image.is_some() || service.kernel.release != Kernel::running_release() {
            return Ok(());
        }
        replace(&generator.parameters, &parameters).map_err(|error| {
            let file = generator.parameters.display();
            trouble(format!("the image is made, but later ones will not be like it: {file}: {error}"))
        })
    });
    if let Err(trouble) = put {
        let _ = std::fs::remove_file(&staged);
        print("error\n");
        return Err(trouble);
    }
    print("done\n");
    if service.call.image.is_some() {
        print("NB: bootloader was not updated\n");
    }
    Ok(())
}

/// The named scripts: requirements before those that require them, and with `-R` all requirements.
fn selected(service: &Service<'_>) -> Vec<String> {
    let named = &service.call.names;
    let mut all = with_requirements(service.scripts(), named);
    if !service.recursive() {
        let named: HashSet<&String> = named.iter().collect();
        all.retain(|name| named.contains(name));
    }
    all
}

/// Compiles what has no valid cache; the scripts that have one now.
fn compiled(service: &Service<'_>, names: &[String]) -> Result<Vec<Script>, Trouble> {
    prepare::make_cache(service)?;
    let mut jobs: Vec<Job> = Vec::new();
    let scripts: Vec<Script> = names.iter().map(|name| service.scripts().get(name)).collect();
    for script in &scripts {
        let job = match prepare::need(service, script) {
            prepare::Need::None => {
                Job::new(Kind::Compile, &script.name, script.source.display().to_string(), None)
            }
            prepare::Need::Compile(record, _) => prepare::compilation(service, script, record),
            prepare::Need::Failure(failure) => {
                let task = super::job::Task::Fail(failure);
                Job::new(Kind::Compile, &script.name, script.source.display().to_string(), Some(task))
            }
        };
        jobs.push(job);
    }
    prepare::elect_leaders(&mut jobs);
    let plan = prepare::plan(service, &jobs)?;
    let report = carry_out(service, "onboot", &jobs, &plan).map_err(trouble)?;
    log(service, &report);
    if let Some(signal) = report.interrupted {
        let text = format!("interrupted by {}", crate::text::signal_name(signal));
        return Err(Trouble { code: u8::try_from(128 + signal).unwrap_or(FAILED), text });
    }
    if report.failures() > 0 && service.settings.passall {
        return Err(trouble("a compilation failed "));
    }
    let good = |ending: &Ending| matches!(ending, Ending::Done | Ending::Already);
    let good = report.jobs.iter().map(|(_, _, ending)| good(ending));
    Ok(scripts.into_iter().zip(good).filter_map(|(script, good)| good.then_some(script)).collect())
}

/// Looks whether the options can be used so early.
fn checked(service: &Service<'_>, scripts: &[Script]) -> Result<Vec<Script>, Trouble> {
    let mut checked = Vec::new();
    for script in scripts {
        print(&format!(" Checking options {} ... ", script.name));
        let name = &script.name;
        let fault = match &script.options {
            Err(why) => Some(why.clone()),
            Ok(options) if options.output.is_some() => {
                Some(format!("Unsupported option -o in script {name}"))
            }
            Ok(options) if options.command => Some(format!("Unsupported option -c in script {name}")),
            Ok(_) if script.runtime != Runtime::Kernel => {
                Some(format!("Unsupported back end of script {name}: an initramfs loads kernel modules only"))
            }
            Ok(_) => None,
        };
        print(if fault.is_none() { "done\n" } else { "error\n" });
        match fault {
            None => checked.push(script.clone()),
            Some(text) if service.settings.passall => return Err(trouble(text)),
            Some(text) => service.warn(&text),
        }
    }
    Ok(checked)
}

/// A new file beside an image. One that was left there by an onboot that was killed goes; one of somebody else stays, and
/// is an error.
fn stage(image: &Path) -> Result<PathBuf, Trouble> {
    let file = image.file_name().unwrap_or_default().to_string_lossy();
    let staged = image.with_file_name(format!(".{file}.systemtap"));
    let _ = std::fs::remove_file(&staged);
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged);
    let failed = |error| trouble(format!("cannot make {} beside the image: {error}", staged.display()));
    new.map(drop).map_err(failed)?;
    Ok(staged)
}

/// Makes the image, and looks into it.
fn generate(
    service: &Service<'_>,
    generator: &Generator,
    staged: &Path,
    parameters: &str,
    with_scripts: bool,
) -> Result<(), Trouble> {
    let failed = |why: &str| {
        let log = service.journal.path().display();
        trouble(format!("The initramfs creation is unsuccessful: {why} (log: {log})"))
    };
    let arguments = generator.arguments(staged, &service.kernel.release, with_scripts);
    let given = service.work().map_err(trouble)?.join("parameters");
    replace(&given, parameters).map_err(|error| failed(&error.to_string()))?;
    let mut command = Command::new(&generator.program);
    command.args(arguments).env(generator::GIVEN, &given);
    let said = said(service, &mut command).map_err(|why| failed(&why))?;
    if let Some(line) = said.lines().find(|line| line.contains("ERROR")) {
        return Err(failed(line.trim()));
    }
    if std::fs::metadata(staged).map_or(0, |meta| meta.len()) == 0 {
        return Err(failed("the image is empty"));
    }
    let Some(lister) = generator.lister.as_ref().filter(|_| with_scripts) else { return Ok(()) };
    let list = self::said(service, Command::new(lister).arg(staged)).map_err(|why| failed(&why))?;
    if list.contains("staprun") { Ok(()) } else { Err(failed("there is no staprun in the image")) }
}

/// Runs a program; all that it says. Errors with why it failed.
fn said(service: &Service<'_>, command: &mut Command) -> Result<String, String> {
    service.journal.write(&format!("Exec: {}", super::job::words(command)));
    let program = PathBuf::from(command.get_program());
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    service.journal.write(&said);
    let why = super::journal::reason(&said, None);
    Err(why.unwrap_or_else(|| format!("{} failed ({})", program.display(), output.status)))
}

/// Puts the new image into its place; with `-b` the old one is kept.
fn put(service: &Service<'_>, staged: &Path, image: &Path) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| trouble(format!("{}: {error}", image.display()));
    if service.call.backup && image.exists() {
        let mut backup = OsString::from(image);
        backup.push(".bak");
        let backup = PathBuf::from(backup);
        if backup.exists() {
            print(&format!("\n  Backup already exists: {} ... ", backup.display()));
        } else {
            // A second name: at no moment there is no image.
            std::fs::hard_link(image, &backup)
                .or_else(|_| std::fs::copy(image, &backup).map(|_| ()))
                .map_err(failed)?;
            print(&format!("\n  Renamed {}\n       to {} ... ", image.display(), backup.display()));
        }
    }
    std::fs::File::open(staged).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(staged, image).map_err(failed)
}

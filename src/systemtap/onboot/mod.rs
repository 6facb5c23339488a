//! `onboot`: an initramfs that loads scripts before anything else runs.
//!
//! The new image is made beside its place and looked into before it takes it: a machine whose initramfs is broken
//! does not boot. Requirements are not followed unless asked for; scripts are loaded in their order.

mod generator;
mod parameters;

use super::command::{FAILED, NOT_INSTALLED, OK, fail, prepare, print};
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
use std::ffi::OsString;
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
    let loan = Loan::take(&generator.parameters, &parameters);
    let put = loan.and_then(|loan| {
        generate(service, &generator, &staged, !with.is_empty())?;
        put(service, &staged, &image)?;
        // What is made later, by an upgrade of the kernel, is as what is booted is: not as an image for another name
        // or another kernel was.
        if service.call.image.is_none() && service.kernel.release == Kernel::running_release() {
            loan.keep();
        }
        Ok(())
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

/// The file of parameters, written for one image; it gets its old text back unless it is kept.
struct Loan<'f> {
    file: &'f Path,
    /// None where there was no file.
    old: Option<String>,
    kept: bool,
}

impl<'f> Loan<'f> {
    fn take(file: &'f Path, text: &str) -> Result<Self, Trouble> {
        let failed = |error: std::io::Error| trouble(format!("cannot write {}: {error}", file.display()));
        let old = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            other => Some(other.map_err(failed)?),
        };
        replace(file, text).map_err(failed)?;
        Ok(Self { file, old, kept: false })
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let restored = match &self.old {
            Some(text) => replace(self.file, text),
            None => std::fs::remove_file(self.file),
        };
        if let Err(error) = restored {
            let file = self.file.display();
            crate::log::say(format_args!("systemtap-service: warning: {file} stays as it is: {error}"));
        }
    }
}

/// The named scripts: requirements before those that require them, and with `-R` all requirements.
fn selected(service: &Service<'_>) -> Vec<String> {
    let named = &service.call.names;
    let mut all = with_requirements(service.scripts(), named);
    if !service.recursive() {
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
    if report.interrupted.is_some() || (report.failures() > 0 && service.settings.passall) {
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

/// A new file beside an image, with a name that nobody can know before.
fn stage(image: &Path) -> Result<PathBuf, Trouble> {
    let file = image.file_name().unwrap_or_default().to_string_lossy();
    let template = image.with_file_name(format!(".{file}.XXXXXX"));
    let (_, staged) = nix::unistd::mkstemp(&template).map_err(|errno| {
        trouble(format!("cannot make a file beside {}: {}", image.display(), errno.desc()))
    })?;
    Ok(staged)
}

/// Makes the image, and looks into it.
fn generate(
    service: &Service<'_>,
    generator: &Generator,
    staged: &Path,
    with_scripts: bool,
) -> Result<(), Trouble> {
    let failed = |why: &str| {
        let log = service.journal.path().display();
        trouble(format!("The initramfs creation is unsuccessful: {why} (log: {log})"))
    };
    let arguments = generator.arguments(staged, &service.kernel.release, with_scripts);
    let said = said(service, &generator.program, &arguments).map_err(|why| failed(&why))?;
    if let Some(line) = said.lines().find(|line| line.contains("ERROR")) {
        return Err(failed(line.trim()));
    }
    if std::fs::metadata(staged).map_or(0, |meta| meta.len()) == 0 {
        return Err(failed("the image is empty"));
    }
    let Some(lister) = generator.lister.as_ref().filter(|_| with_scripts) else { return Ok(()) };
    let list = self::said(service, lister, &[staged.display().to_string()]).map_err(|why| failed(&why))?;
    if list.contains("staprun") { Ok(()) } else { Err(failed("there is no staprun in the image")) }
}

/// Runs a program; all that it says. Errors with why it failed.
fn said(service: &Service<'_>, program: &Path, arguments: &[String]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    service.journal.write(&format!("Exec: {}", super::job::words(&command)));
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
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

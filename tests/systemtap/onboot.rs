//! `onboot`: the image, what is in it, and the scripts that run there.

use super::tree;
use crate::support::program::{LIMIT, finish};
use crate::support::tap::{Tap, eventually, release};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A generator and a lister that only pretend: the image is a list of what it should hold.
const DRACUT: &str = "#!/bin/sh
top=$(dirname \"$(dirname \"$0\")\")
echo \"dracut $*\" >> \"$top/calls\"
cp \"$SYSTEMTAP_SERVICE_PARAMETERS\" \"$top/given\"
[ -e \"$top/gate/dracut\" ] && read -r _ < \"$top/gate/dracut\"
[ -e \"$top/fail/dracut\" ] && { cat \"$top/fail/dracut\" >&2; exit 1; }
[ -e \"$top/fail/silently\" ] && echo 'dracut: ERROR: installing staprun'
previous=
for word; do [ \"$previous\" = --force ] && image=$word; [ \"$previous\" = -o ] && image=$word; previous=$word; done
{ echo image; case \"$*\" in *'--add stap'* | -o*) [ -e \"$top/fail/without\" ] || echo usr/bin/staprun ;; esac; } > \"$image\"
";

fn boot(scripts: &[(&str, &str)]) -> Tap {
    let tap = tree(scripts);
    for name in ["dracut", "mkinitramfs"] {
        tap.sandbox.write(&format!("bin/{name}"), DRACUT, 0o755);
    }
    tap.sandbox.write("bin/list", "#!/bin/sh\ncat \"$1\"\n", 0o755);
    fs::create_dir_all(tap.at("99stap")).unwrap();
    fs::create_dir_all(tap.at("boot")).unwrap();
    tap.config(
        "BOOT_PATH=$TOP/boot DRACUT=$TOP/bin/dracut LSINITRD=$TOP/bin/list DRACUT_PATH=$TOP/99stap\n\
         STAPIO=$TOP/bin/stapio\n",
    );
    tap
}

fn image(tap: &Tap) -> PathBuf {
    tap.at(&format!("boot/initramfs-{}.img", release()))
}

fn contrib(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file)
}

#[test]
fn an_image_with_scripts_and_one_without() {
    let tap = boot(&[("one", ""), ("two", "one")]);
    tap.parameters("one_OPT='-g -s 4 -x 7'\ntwo_OPT=-g");
    let done = tap.run(&["onboot", "two", "one"]).expect_code(0);
    assert_eq!(
        done.stdout,
        " Compiling one ... done\n Compiling two ... done\n Checking options one ... done\n \
         Checking options two ... done\n Creating initramfs with one two ... done\n"
    );
    let parameters = tap.sandbox.read("99stap/params.conf");
    let top = tap.sandbox.path().display();
    for line in [
        format!("STAPRUN='{top}/bin/staprun'"),
        format!("STAPIO='{top}/bin/stapio'"),
        format!("CACHE_PATH='{top}/cache'"),
        format!("STAT_PATH='{top}/run'"),
        format!("KRELEASE='{}'", release()),
        "LOG_BOOT_ERR='0'".to_owned(),
        "ONBOOT_SCRIPTS='one two'".to_owned(),
        "one_OPT='-b 4 -x 7 -L'".to_owned(),
        "two_OPT='-L'".to_owned(),
    ] {
        assert!(parameters.lines().any(|known| known == line), "{line}\n{parameters}");
    }
    assert_eq!(fs::read_to_string(image(&tap)).unwrap(), "image\nusr/bin/staprun\n");
    let call = tap.calls().into_iter().find(|call| call.starts_with("dracut")).unwrap();
    assert!(call.starts_with("dracut --add stap --force ") && call.ends_with(&release()), "{call}");
    assert_eq!(tap.sandbox.names("boot").len(), 1);

    let done = tap.run(&["onboot"]).expect_code(0);
    assert_eq!(done.stdout, " Creating initramfs without scripts ... done\n");
    assert_eq!(fs::read_to_string(image(&tap)).unwrap(), "image\n");
    assert!(tap.sandbox.read("99stap/params.conf").contains("ONBOOT_SCRIPTS=''"));
}

#[test]
fn another_image_another_kernel_and_a_backup() {
    let tap = boot(&[("one", "")]);
    fs::write(image(&tap), "old").unwrap();
    tap.run(&["onboot", "-o", &tap.at("boot/first.img").display().to_string(), "one"]).expect_code(0);
    assert!(!tap.at("99stap/params.conf").exists(), "what is booted by default is made without scripts");
    tap.sandbox.write("99stap/params.conf", "as it was\n", 0o644);
    let other = tap.at("boot/other.img").display().to_string();
    let done = tap.run(&["onboot", "-o", &other, "-r", "9.9.9", "one"]).expect_code(0);
    assert!(done.stdout.ends_with("NB: bootloader was not updated\n"), "{done}");
    assert!(tap.at("boot/other.img").exists() && tap.at("cache/9.9.9/one.ko").exists());
    assert_eq!(fs::read_to_string(image(&tap)).unwrap(), "old");
    assert_eq!(tap.sandbox.read("99stap/params.conf"), "as it was\n");
    let done = tap.run(&["onboot", "-b", "one"]).expect_code(0);
    assert!(done.stdout.contains(&format!("  Renamed {}\n", image(&tap).display())), "{done}");
    let backup = PathBuf::from(format!("{}.bak", image(&tap).display()));
    assert_eq!(fs::read_to_string(&backup).unwrap(), "old");
    let done = tap.run(&["onboot", "-b", "one"]).expect_code(0);
    assert!(done.stdout.contains("  Backup already exists: "), "{done}");
    assert_eq!(fs::read_to_string(&backup).unwrap(), "old");
}

#[test]
fn a_bad_image_never_takes_the_place_of_a_good_one() {
    let tap = boot(&[("one", "")]);
    fs::write(image(&tap), "old").unwrap();
    for (fault, says) in [
        ("dracut", "dracut: cannot find module"),
        ("silently", "dracut: ERROR: installing staprun"),
        ("without", "there is no staprun in the image"),
    ] {
        tap.fail(fault, "dracut: cannot find module");
        tap.sandbox.write("99stap/params.conf", "as it was\n", 0o644);
        let done = tap.run(&["onboot", "-b", "one"]).expect_code(1);
        assert!(done.stdout.contains(" Creating initramfs with one ... error\n"), "{done}");
        assert!(
            done.stderr.contains("The initramfs creation is unsuccessful: ") && done.stderr.contains(says),
            "{done}"
        );
        assert_eq!(fs::read_to_string(image(&tap)).unwrap(), "old");
        assert_eq!(tap.sandbox.read("99stap/params.conf"), "as it was\n");
        assert_eq!(tap.sandbox.names("boot").len(), 1);
        assert_eq!(fs::read_dir(tap.at("boot")).unwrap().count(), 1);
        tap.heal(fault);
    }
}

/// An upgrade of the kernel may make an image before anybody looks.
#[test]
fn an_onboot_that_is_killed_leaves_no_parameters() {
    let tap = boot(&[("one", "")]);
    tap.sandbox.write("99stap/params.conf", "as it was\n", 0o644);
    tap.gate("dracut");
    let mut running = tap.command(&["onboot", "one"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("the image is being made", || {
        tap.at("given").exists() && !tap.sandbox.read("given").is_empty()
    });
    assert!(tap.sandbox.read("given").contains("ONBOOT_SCRIPTS='one'"));
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(tap.sandbox.read("99stap/params.conf"), "as it was\n");
    tap.open("dracut");
    let staged = tap.at(&format!("boot/.initramfs-{}.img.systemtap", release()));
    eventually("who was left behind is done", || {
        fs::read_to_string(&staged).is_ok_and(|text| text.contains("staprun"))
    });
    tap.run(&["onboot", "one"]).expect_code(0);
    assert!(tap.sandbox.read("99stap/params.conf").contains("ONBOOT_SCRIPTS='one'"));
    assert_eq!(fs::read_dir(tap.at("boot")).unwrap().count(), 1, "nothing is left beside the image");
}

#[test]
fn an_onboot_that_is_interrupted_says_so_and_leaves_everything_as_it_was() {
    let tap = boot(&[("one", "")]);
    tap.gate("compile-one");
    let mut running =
        tap.command(&["onboot", "one"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("it compiles", || tap.journal().contains(&"compile+ one".to_owned()));
    kill(Pid::from_raw(running.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(143));
    assert_eq!(tap.sandbox.names("boot"), [""; 0]);
    assert!(tap.log().contains("interrupted by SIGTERM"), "{}", tap.log());
}

#[test]
fn scripts_that_cannot_run_so_early_are_refused() {
    let tap = boot(&[("file", ""), ("bpf", ""), ("bad", ""), ("good", "")]);
    tap.parameters("file_OPT='-o /x'\nbpf_RUNTIME=bpf");
    tap.fail("compile-bad", "semantic error: x");
    let done = tap.run(&["onboot", "file"]).expect_code(1);
    assert!(done.stdout.contains(" Checking options file ... error\n"), "{done}");
    assert!(done.stderr.contains("Unsupported option -o in script file"), "{done}");
    let done = tap.run(&["onboot", "bpf"]).expect_code(1);
    assert!(done.stderr.contains("an initramfs loads kernel modules only"), "{done}");
    let done = tap.run(&["onboot", "bad"]).expect_code(1);
    assert!(done.stdout.starts_with(" Compiling bad ... error: semantic error: x"), "{done}");
    let text = fs::read_to_string(tap.at("config")).unwrap();
    tap.sandbox.write("config", &(text + "PASSALL=no\n"), 0o644);
    let done = tap.run(&["onboot", "file", "bad", "good"]).expect_code(0);
    assert!(done.stdout.contains(" Creating initramfs with good ... done\n"), "{done}");
    let done = tap.run(&["onboot", "file", "bad"]).expect_code(1);
    assert!(done.stderr.contains("No scripts left to operate on"), "{done}");
}

#[test]
fn initramfs_tools_where_there_is_no_dracut() {
    let tap = boot(&[("one", "")]);
    tap.config(
        "BOOT_PATH=$TOP/boot MKINITRAMFS=$TOP/bin/mkinitramfs LSINITRAMFS=$TOP/bin/list STAPIO=$TOP/bin/stapio\n\
         INITRAMFS_PATH=$TOP/initramfs-tools DRACUT=/nowhere DRACUT_PATH=/nowhere\n",
    );
    let done = tap.run(&["onboot", "one"]).expect_code(1);
    assert!(done.stderr.contains("is not installed"), "{done}");
    tap.sandbox.write("initramfs-tools/hooks/systemtap", "", 0o755);
    let done = tap.run(&["onboot", "one"]).expect_code(0);
    assert!(done.stdout.ends_with(" Creating initramfs with one ... done\n"), "{done}");
    assert!(tap.at(&format!("boot/initrd.img-{}", release())).exists());
    assert!(tap.sandbox.read("initramfs-tools/systemtap-params.conf").contains("ONBOOT_SCRIPTS='one'"));
}

/// What runs in the initramfs: staprun with `-L`, never in the foreground, its words apart from the status files.
#[test]
fn the_hooks_load_what_the_parameters_name() {
    for hook in ["dracut/99stap/start-staprun.sh", "initramfs-tools/scripts/init-top/systemtap"] {
        let tap = boot(&[("one", ""), ("two", "")]);
        tap.parameters("one_OPT='-s 4'");
        tap.run(&["onboot", "one", "two"]).expect_code(0);
        tap.forget();
        let text = fs::read_to_string(contrib(hook)).unwrap();
        let parameters = tap.at("99stap/params.conf").display().to_string();
        let log = tap.at("boot-log").display().to_string();
        let text =
            text.replace("/etc/systemtap-params.conf", &parameters).replace("/run/systemtap-boot", &log);
        let text = text.replacen("for script", "LOG_BOOT_ERR=1\nfor script", 1);
        tap.sandbox.write("hook", &text, 0o755);
        finish(Command::new("sh").arg(tap.at("hook")), LIMIT).expect_code(0);
        let ko = |name: &str| {
            tap.at(&crate::support::tap::cache()).join(format!("{name}.ko")).display().to_string()
        };
        let expected = [format!("staprun -b 4 -L {}", ko("one")), format!("staprun -L {}", ko("two"))];
        assert_eq!(tap.calls(), expected, "{hook}");
        assert!(tap.sandbox.read("boot-log/one.log").contains("Disconnecting from systemtap module."));
        assert_eq!(tap.loaded(), ["one", "two"]);
        // Once the system is up, they are services like any other.
        assert_eq!(tap.run(&["status"]).expect_code(0).stdout, "one is running...\ntwo is running...\n");
        tap.run(&["stop"]).expect_code(0);
        assert_eq!(tap.loaded(), [""; 0]);
    }
}

#[test]
fn the_dracut_module_is_there_only_for_scripts() {
    let tap = boot(&[("one", "")]);
    tap.run(&["onboot", "one"]).expect_code(0);
    let module = contrib("dracut/99stap/module-setup.sh");
    let script = format!(
        "inst() {{ echo inst \"$@\"; }}\ninst_simple() {{ echo simple \"$@\"; }}\ninst_hook() {{ echo hook \"$@\"; }}\n\
         dwarn() {{ echo warn \"$@\"; }}\nmoddir={} initdir={}\n. {}\ncheck; echo check $?\ninstall\n",
        tap.at("99stap").display(),
        tap.at("image").display(),
        module.display()
    );
    tap.sandbox.write("try", &script, 0o644);
    let run = || finish(Command::new("bash").arg(tap.at("try")), LIMIT).expect_code(0).stdout;
    let said = run();
    let ko = tap.at(&crate::support::tap::cache()).join("one.ko");
    assert!(said.starts_with("check 255\n"), "{said}");
    assert!(said.contains(&format!("simple {}\n", ko.display())), "{said}");
    assert!(
        said.contains("inst ") && said.contains("/bin/stapio\n") && said.contains("hook cmdline 01 "),
        "{said}"
    );
    assert!(tap.sandbox.read("image/etc/systemtap-params.conf").ends_with("ONBOOT_SCRIPTS='one'\n"));
    // Another image is made later, when the compiled script is gone: without it.
    fs::remove_file(ko).unwrap();
    let said = run();
    assert!(said.contains("warn systemtap: one is left out") && !said.contains("simple "), "{said}");
    assert!(tap.sandbox.read("image/etc/systemtap-params.conf").ends_with("ONBOOT_SCRIPTS=''\n"));
    tap.run(&["onboot"]).expect_code(0);
    assert!(run().starts_with("check 1\n"));
    tap.sandbox.write("given", "ONBOOT_SCRIPTS=two\n", 0o644);
    let mut named = Command::new("bash");
    named.arg(tap.at("try")).env("SYSTEMTAP_SERVICE_PARAMETERS", tap.at("given"));
    assert!(finish(&mut named, LIMIT).stdout.starts_with("check 255\n"));
}

/// An upgrade of the kernel makes an image: it must not fail because of us.
#[test]
fn an_image_is_made_without_what_is_missing() {
    let tap = boot(&[("one", ""), ("two", "")]);
    tap.run(&["onboot", "one", "two"]).expect_code(0);
    let functions = tap.at("functions").display().to_string();
    tap.sandbox.write("functions", "copy_exec() { echo exec \"$@\"; }\n", 0o644);
    let text = fs::read_to_string(contrib("initramfs-tools/hooks/systemtap")).unwrap();
    tap.sandbox.write("hook", &text.replace("/usr/share/initramfs-tools/hook-functions", &functions), 0o755);
    let parameters = tap.sandbox.read("99stap/params.conf");
    tap.sandbox.write("conf/systemtap-params.conf", &parameters, 0o644);
    let cache = tap.at(&crate::support::tap::cache());
    fs::remove_file(cache.join("one.ko")).unwrap();
    let run = || {
        let mut hook = Command::new("sh");
        hook.arg(tap.at("hook")).env("CONFDIR", tap.at("conf")).env("version", release());
        finish(hook.env("DESTDIR", tap.at("image")), LIMIT).expect_code(0)
    };
    let done = run();
    assert!(done.stderr.contains("W: systemtap: one is left out"), "{done}");
    let inside = tap.at("image").join(cache.strip_prefix("/").unwrap());
    assert!(inside.join("two.ko").exists() && !inside.join("one.ko").exists());
    assert!(tap.sandbox.read("image/etc/systemtap-params.conf").ends_with("ONBOOT_SCRIPTS='two'\n"));
    fs::remove_file(tap.at("bin/staprun")).unwrap();
    let done = run();
    assert!(done.stderr.contains("no scripts are put in: there is no '"), "{done}");
}

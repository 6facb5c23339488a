//! The options of a script, taken apart: what stap gets, what staprun gets, what neither gets, and what cannot work.
//!
//! `NAME_OPT` is written as if for `stap -F`; a service compiles and starts in two steps, so each option goes to the
//! step that it is for (README 0.2.1, 4.2.1). What the runner would refuse or hang on is refused here, with a reason.

mod table;
mod words;

use super::settings::Runtime;
use table::{Argument, Use};

/// What `NAME_OPT` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// For stap: options, in the order given, arguments as words of their own.
    pub compile: Vec<String>,
    /// For stap: arguments of the script, behind its file.
    pub arguments: Vec<String>,
    /// For the runner.
    pub run: Vec<String>,
    /// `-o`, made absolute: what the script prints goes there.
    pub output: Option<String>,
    /// `-c`: what is run while the script runs.
    pub command: bool,
    /// Starting needs uprobes.ko if one was built.
    pub uprobes: bool,
    /// The back end that stap's own options name.
    pub runtime: Option<Runtime>,
    /// What is worth a word.
    pub warnings: Vec<String>,
}

impl Options {
    /// Reads options. `relative_to` is the directory of a relative `-o`. Errors with why they cannot be used.
    pub fn parse(text: &str, relative_to: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words::split(text)?.into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                options.arguments.extend(words.by_ref());
            } else if let Some(long) = word.strip_prefix("--") {
                options.long(long, &mut words)?;
            } else if word.len() > 1 && word.starts_with('-') {
                options.short(&word[1..], &mut words, relative_to)?;
            } else {
                options.arguments.push(word);
            }
        }
        Ok(options)
    }

    /// The options of the compilation as the second line of an `.opts` file has always had them.
    pub fn line(&self) -> String {
        let words = self.compile.iter().map(String::as_str);
        let arguments = self.arguments.iter().map(String::as_str);
        words::join(words.chain(["--"]).chain(arguments))
    }

    /// Those that decide which of stap's own caches a compilation uses: `-g`, `-R DIR`, `-B FLAGS`.
    pub fn build_key(&self) -> Vec<&str> {
        let mut key = Vec::new();
        let mut words = self.compile.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-g" => key.push(word),
                "-R" | "-B" => key.extend([Some(word), words.next()].into_iter().flatten()),
                _ => {}
            }
        }
        key
    }

    fn short(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = String>,
        relative_to: &str,
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let Some((argument, what)) = table::short(letter) else {
                return Err(format!("stap has no option -{letter}"));
            };
            let option = format!("-{letter}");
            if argument == Argument::None {
                self.put(&option, None, what)?;
                continue;
            }
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { words.next() } else { Some(rest.to_owned()) };
            let Some(mut value) = value else { return Err(format!("{option} lacks its argument")) };
            if letter == 'o' && !value.starts_with('/') {
                value = self.absolute(&value, relative_to);
            }
            self.note(letter, &value)?;
            self.put(&option, Some(value), what)?;
            break;
        }
        Ok(())
    }

    /// A relative output file would be made in a directory that is gone when it is looked for.
    fn absolute(&mut self, value: &str, relative_to: &str) -> String {
        let path = format!("{}/{value}", relative_to.trim_end_matches('/'));
        self.warnings.push(format!("-o {value} is not an absolute path: {path} is used"));
        path
    }

    fn note(&mut self, letter: char, value: &str) -> Result<(), String> {
        match letter {
            'o' => self.output = Some(value.to_owned()),
            'c' => self.command = true,
            's' if !value.parse::<u32>().is_ok_and(|size| (1..=4095).contains(&size)) => {
                return Err(format!("-s {value}: the size of the buffer is 1 to 4095 (MB)"));
            }
            _ => {}
        }
        Ok(())
    }

    fn long(&mut self, text: &str, words: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let (name, mut value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let option = format!("--{name}");
        let Some((argument, what)) = table::long(name) else {
            self.warnings.push(format!("--{text} is not known here: it is given to stap only"));
            self.compile.push(format!("--{text}"));
            return Ok(());
        };
        match argument {
            Argument::None if value.is_some() => return Err(format!("{option} takes no argument")),
            Argument::Required if value.is_none() => {
                value = words.next();
                if value.is_none() {
                    return Err(format!("{option} lacks its argument"));
                }
            }
            Argument::Optional => {
                // Only behind a `=`: the next word is another option.
                return self.put(&format!("--{text}"), None, what);
            }
            _ => {}
        }
        self.put(&option, value, what)
    }

    fn put(&mut self, option: &str, value: Option<String>, what: Use) -> Result<(), String> {
        let mut words = vec![option.to_owned()];
        words.extend(value.clone());
        match what {
            Use::Drop => {}
            Use::Compile => self.compile.append(&mut words),
            Use::Run => self.run.append(&mut words),
            Use::Both => {
                self.uprobes = true;
                self.compile.append(&mut words);
            }
            Use::RunAs(letter) => {
                self.run.push(letter.to_owned());
                self.run.extend(value);
            }
            Use::Runtime => {
                let word = value.as_deref().unwrap_or(&option[2..]);
                let runtime = Runtime::parse(word);
                self.runtime = Some(runtime.ok_or_else(|| {
                    format!("the back end `{word}` cannot be kept running as a service: use kernel or bpf")
                })?);
            }
            Use::Refuse(why) => return Err(format!("{option} cannot be used: {why}")),
        }
        Ok(())
    }

    /// Errors with a combination on which the runner of a back end would fail, or hang.
    pub fn check(&self, runtime: Runtime) -> Result<(), String> {
        let has = |letter: &str| self.run.iter().any(|word| word == letter);
        if runtime == Runtime::Bpf && (has("-S") || has("-N")) {
            return Err("stapbpf has neither -S nor --target-namespaces".to_owned());
        }
        if has("-S") && self.output.is_none() {
            return Err("-S needs -o: without a file there is none to switch".to_owned());
        }
        if self.command && self.output.is_none() && runtime == Runtime::Kernel {
            return Err(
                "-c needs -o: staprun never runs the command when it only loads the module".to_owned()
            );
        }
        if self.command && has("-x") {
            return Err("-c and -x exclude each other: both name the target process".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Options {
        Options::parse(text, "/var/log").unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    fn sides(text: &str) -> (String, String) {
        let options = parse(text);
        (options.line(), options.run.join(" "))
    }

    #[test]
    fn each_option_goes_where_the_manual_says() {
        for (text, compile, run) in [
            ("", "--", ""),
            ("-p 4 -m x -r 1 -e x -h -V -k -F", "--", ""),
            ("-c 'sleep 1' -o /x", "--", "-c sleep 1 -o /x"),
            ("-x 1 -o /x -S 1,2 -s 64", "--", "-x 1 -o /x -S 1,2 -b 64"),
            (
                "-v -t -I /i -R /r -g -P -D A=1 -b -u -q -w -l p -d m -L p",
                "-v -t -I /i -R /r -g -P -D A=1 -b -u -q -w -l p -d m -L p --",
                "",
            ),
            ("--vp 00001 --vp=2", "--vp 00001 --vp 2 --", ""),
            ("-DRELAY_HOST=group1 -o /x", "-D RELAY_HOST=group1 --", "-o /x"),
            ("-vvgo/x", "-v -v -g --", "-o /x"),
            (
                "-B X=1 -E 'probe end {}' -G a=1 -a x86 -W -T 5 -j",
                "-B X=1 -E \"probe end {}\" -G a=1 -a x86 -W -T 5 -j --",
                "",
            ),
            (
                "--skip-badvars --ldd --all-modules --suppress-handler-errors --color=auto",
                "--skip-badvars --ldd --all-modules --suppress-handler-errors --color=auto --",
                "",
            ),
            ("--save-uprobes", "--save-uprobes --", ""),
            ("--target-namespaces=7", "--", "-N 7"),
            ("-g one -- -two", "-g -- one -two", ""),
        ] {
            assert_eq!(sides(text), (compile.to_owned(), run.to_owned()), "{text}");
        }
        assert_eq!(parse("-DA -gR /r -B x -I i -R/q").build_key(), ["-g", "-R", "/r", "-B", "x", "-R", "/q"]);
        assert_eq!(parse("--runtime=bpf").runtime, Some(Runtime::Bpf));
        assert_eq!(parse("--bpf -c x").runtime, Some(Runtime::Bpf));
        assert_eq!(parse("-c x").check(Runtime::Bpf), Ok(()));
    }

    #[test]
    fn what_the_runner_would_choke_on_is_refused() {
        for (text, says) in [
            ("-S 1", "-S needs -o"),
            ("-c sleep", "-c needs -o"),
            ("-c x -o /x -x 1", "exclude each other"),
            ("-s 0 -o /x", "1 to 4095"),
            ("-s 5000", "1 to 4095"),
            ("-Z", "stap has no option -Z"),
            ("-g -o", "-o lacks its argument"),
            ("--vp", "--vp lacks its argument"),
            ("-D 'x", "never closed"),
            ("--runtime=dyninst", "the back end `dyninst`"),
            ("--remote=x", "this machine only"),
            ("-i", "nobody to talk to"),
            ("--skip-badvars=1", "takes no argument"),
        ] {
            let checked = Options::parse(text, "/").and_then(|options| options.check(Runtime::Kernel));
            let why = checked.unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    #[test]
    fn what_is_changed_is_said() {
        let options = parse("-o out --brand-new=1");
        assert_eq!(options.output.as_deref(), Some("/var/log/out"));
        assert_eq!(options.run, ["-o", "/var/log/out"]);
        assert_eq!(options.compile, ["--brand-new=1"]);
        assert_eq!(options.warnings.len(), 2, "{:?}", options.warnings);
    }
}

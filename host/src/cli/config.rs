//! Where `belljar serve` has its options from: the command line, what that leaves out from the environment, what both leave
//! out from a file, and then the defaults. All three say the same by the same names: `--disk-reserve-bytes 5`,
//! `BELLJAR_DISK_RESERVE_BYTES=5`, `disk_reserve_bytes = 5`.
//!
//! What the other two say is put on the command line, for there is one place that knows what is right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use toml::Table;
use toml::Value;

/// Options that are about this itself, or that a file has no business with.
const NO_OPTIONS: [&str; 5] = ["config", "check-config", "prepare", "help", "fault"];

/// What there is to say on a command line, and where each part of it comes from.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) words: Vec<OsString>,
    /// By the long names of options; those of the command line are not here.
    pub(super) from: BTreeMap<String, String>,
}

impl Told {
    /// What a command line says, completed where it is one of `belljar serve`.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or says what is no option.
    pub(super) fn of(
        words: Vec<OsString>,
        command: &Command,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
        let mut told = Self { words, from: BTreeMap::new() };
        let serve = command.find_subcommand("serve");
        let Some(serve) = serve.filter(|_| told.words.get(1).is_some_and(|it| it == "serve")) else {
            return Ok(told);
        };
        let path = told.value_of("config").or_else(|| environment("BELLJAR_CONFIG")).map(PathBuf::from);
        let file = path.map(|path| read(&path, serve).map(|table| (path, table))).transpose()?;
        let left_out: Vec<_> = options(serve).filter(|it| told.place_of(it.name).is_none()).collect();
        options(serve).filter(Choice::is_flag).for_each(|it| told.settle(it.name));
        for option in left_out {
            let variable = option.variable();
            if let Some(value) = environment(&variable) {
                let value = value.into_string().ok().with_context(|| format!("{variable} is no text"))?;
                let words = option.words_of_text(&value).with_context(|| variable.clone())?;
                told.add(option.name, words, variable);
            } else if let Some((path, table)) = &file
                && let Some(value) = table.get(&option.key())
            {
                let at = || format!("{}: `{}`", path.display(), option.key());
                told.add(option.name, option.words_of(value).with_context(at)?, path.display().to_string());
            }
        }
        Ok(told)
    }

    /// A flag may be false on the command line, whatever the others say: where it is parsed, it is there or not.
    fn settle(&mut self, flag: &str) {
        for (value, words) in [("true", vec![OsString::from(format!("--{flag}"))]), ("false", Vec::new())] {
            let said = OsString::from(format!("--{flag}={value}"));
            if let Some(at) = self.words.iter().position(|it| *it == said) {
                self.words.splice(at..=at, words);
                self.from.insert(flag.to_owned(), "command line".to_owned());
            }
        }
    }

    fn add(&mut self, name: &str, words: Vec<String>, from: String) {
        self.words.extend(words.into_iter().map(OsString::from));
        self.from.insert(name.to_owned(), from);
    }

    /// Of an option on the command line: `--listen …` and `--listen=…` are about `listen`.
    fn place_of(&self, name: &str) -> Option<usize> {
        let is_it = |word: &str| word.strip_prefix("--").is_some_and(|it| it.split('=').next() == Some(name));
        self.words.iter().position(|it| it.to_str().is_some_and(is_it))
    }

    /// Of an option with one value, as the command line has it.
    fn value_of(&self, name: &str) -> Option<OsString> {
        let at = self.place_of(name)?;
        match self.words[at].to_str()?.split_once('=') {
            Some((_, value)) => Some(value.into()),
            None => self.words.get(at + 1).cloned(),
        }
    }

    /// Every option with its value and where that comes from, a line each.
    pub(super) fn lines(&self, command: &Command, matches: &ArgMatches) -> Vec<String> {
        let (Some(serve), Some(matches)) = (command.find_subcommand("serve"), matches.subcommand_matches("serve"))
        else {
            return Vec::new();
        };
        let line = |option: Choice<'_>| {
            let Some(values) = matches.get_raw(option.arg.get_id().as_str()) else {
                return format!("# {} is not set", option.key());
            };
            let values: Vec<_> = values.map(|it| it.to_string_lossy()).collect();
            let from = match self.from.get(option.name) {
                Some(from) => from.as_str(),
                None if self.place_of(option.name).is_some() => "command line",
                None => "default",
            };
            format!("{} = {}    # {from}", option.key(), values.join(","))
        };
        options(serve).map(line).collect()
    }
}

/// One option of `belljar serve`.
#[derive(Clone, Copy)]
struct Choice<'a> {
    name: &'a str,
    arg: &'a clap::Arg,
}

fn options(serve: &Command) -> impl Iterator<Item = Choice<'_>> {
    let option = |arg| Some(Choice { name: clap::Arg::get_long(arg)?, arg });
    serve.get_arguments().filter_map(option).filter(|it| !NO_OPTIONS.contains(&it.name))
}

impl Choice<'_> {
    /// In a file.
    fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// In the environment.
    fn variable(&self) -> String {
        format!("BELLJAR_{}", self.key().to_uppercase())
    }

    fn is_flag(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::SetTrue)
    }

    fn is_list(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::Append)
    }

    fn word(&self, value: &str) -> String {
        format!("--{}={value}", self.name)
    }

    fn words_of_text(&self, value: &str) -> anyhow::Result<Vec<String>> {
        if self.is_flag() {
            return match value {
                "true" => Ok(vec![format!("--{}", self.name)]),
                "false" => Ok(Vec::new()),
                _ => anyhow::bail!("write true or false"),
            };
        }
        if self.is_list() {
            return Ok(value.split(',').filter(|it| !it.is_empty()).map(|it| self.word(it.trim())).collect());
        }
        Ok(vec![self.word(value)])
    }

    fn words_of(&self, value: &Value) -> anyhow::Result<Vec<String>> {
        match value {
            // `[cap]`, and below it a limit a line.
            Value::Table(pairs) if self.is_list() => {
                pairs.iter().map(|(name, value)| Ok(self.word(&format!("{name}={}", plain(value)?)))).collect()
            }
            Value::Array(values) if self.is_list() => values.iter().map(|it| Ok(self.word(&plain(it)?))).collect(),
            Value::String(text) if self.is_list() => Ok(vec![self.word(text)]),
            Value::String(_)
            | Value::Integer(_)
            | Value::Boolean(_)
            | Value::Float(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => self.words_of_text(&plain(value)?),
        }
    }
}

fn plain(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(set) => set.to_string(),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            anyhow::bail!("a text, a whole number, true or false is wanted here")
        }
    })
}

fn read(path: &Path, serve: &Command) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: Table = text.parse().with_context(|| format!("{} is no TOML", path.display()))?;
    let known: Vec<String> = options(serve).map(|it| it.key()).collect();
    if let Some(other) = table.keys().find(|it| !known.contains(it)) {
        anyhow::bail!("{}: `{other}` is no option; there are {}", path.display(), known.join(", "));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use clap::CommandFactory;

    use super::super::Arguments;
    use super::*;

    fn told(words: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Told> {
        let words = ["belljar", "serve"].iter().chain(words).map(OsString::from).collect();
        Told::of(words, &Arguments::command(), |name| environment.iter().find(|it| it.0 == name).map(|it| it.1.into()))
    }

    fn added(told: &Told) -> Vec<&str> {
        told.words.iter().filter_map(|it| it.to_str()).filter(|it| it.starts_with("--")).collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("belljar.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_said_nearer_counts() {
        let (_dir, path) = file(
            "listen = '0.0.0.0:1'\nworkers = 3\nsweep_every_s = 9\nrequire_walls = true\naccept_modules = false\n\
             name = ['a.example', 'b.example']\n[cap]\nwall_ms = 5\n",
        );
        let environment =
            [("BELLJAR_CONFIG", &*path), ("BELLJAR_WORKERS", "4"), ("BELLJAR_CORS_ORIGIN", "http://a,http://b")];
        let told = told(&["--listen", "127.0.0.1:2"], &environment).unwrap();
        let added = added(&told);
        let expected = [
            "--listen",
            "--name=a.example",
            "--name=b.example",
            "--cors-origin=http://a",
            "--cors-origin=http://b",
            "--workers=4",
            "--cap=wall_ms=5",
            "--require-walls",
            "--sweep-every-s=9",
        ];
        assert_eq!(added, expected);
        assert_eq!(told.from["workers"], "BELLJAR_WORKERS");
        assert_eq!(told.from["cap"], path);
        let matches = Arguments::command().try_get_matches_from(&told.words).unwrap();
        let lines = told.lines(&Arguments::command(), &matches);
        for line in [
            "listen = 127.0.0.1:2    # command line",
            "workers = 4    # BELLJAR_WORKERS",
            "queue_max = 10000    # default",
        ] {
            assert!(lines.iter().any(|it| it == line), "{line} in {lines:#?}");
        }
    }

    #[test]
    fn what_a_file_says_is_true_its_variable_can_make_false() {
        let (_dir, path) = file("require_walls = true");
        assert!(added(&told(&["--config", &path], &[]).unwrap()).contains(&"--require-walls"));
        let told = told(&["--config", &path], &[("BELLJAR_REQUIRE_WALLS", "false")]).unwrap();
        assert_eq!(added(&told), ["--config"]);
    }

    #[test]
    fn what_a_file_says_is_true_the_command_line_can_make_false() {
        let (_dir, path) = file("require_walls = true");
        let told_with = |word: &str| told(&["--config", &path, word], &[("BELLJAR_REQUIRE_WALLS", "true")]).unwrap();
        assert!(!added(&told_with("--require-walls=false")).iter().any(|it| it.contains("walls")));
        assert!(added(&told_with("--require-walls=true")).contains(&"--require-walls"));
    }

    #[test]
    fn what_is_no_option_is_refused_by_name() {
        for (text, says) in [
            ("listn = 'x'", "`listn` is no option"),
            ("listen = 1.5", "`listen`"),
            ("require_walls = 'yes'", "write true or false"),
            ("listen =", "is no TOML"),
        ] {
            let (_dir, path) = file(text);
            let error = told(&["--config", &path], &[]).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{error:#}");
        }
        assert!(told(&["--config=/nowhere"], &[]).is_err());
        assert!(told(&[], &[("BELLJAR_REQUIRE_WALLS", "1")]).is_err());
    }

    #[test]
    fn other_commands_are_left_alone() {
        let words: Vec<OsString> = ["belljar", "gc"].iter().map(OsString::from).collect();
        let told = Told::of(words.clone(), &Arguments::command(), |_| Some("x".into())).unwrap();
        assert_eq!(told.words, words);
    }

    /// `UPDATE_DOCS=1` writes it anew.
    #[test]
    fn the_page_has_every_option() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let mark = "<!-- of the code: UPDATE_DOCS=1 cargo test -p host --lib the_page_has_every_option -->\n";
        let (before, _) = page.split_once(mark).expect("a mark for the table");
        let command = Arguments::command();
        let mut table = String::from("\n| in a file | what it says | if left out |\n|---|---|---|\n");
        for option in options(command.find_subcommand("serve").unwrap()).filter(|it| !it.arg.is_hide_set()) {
            let help = option.arg.get_help().unwrap().to_string().replace('\n', " ").replace('|', "\\|");
            let choices: Vec<_> =
                option.arg.get_possible_values().iter().map(|it| format!("`{}`", it.get_name())).collect();
            let choices = if choices.is_empty() || option.is_flag() {
                String::new()
            } else {
                format!(": {}", choices.join(", "))
            };
            let default: Vec<_> = option.arg.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
            let default = if option.is_flag() {
                "`false`".to_owned()
            } else if default.is_empty() {
                "–".to_owned()
            } else {
                format!("`{}`", default.join(","))
            };
            writeln!(table, "| `{}` | {help}{choices} | {default} |", option.key()).unwrap();
        }
        let current = format!("{before}{mark}{table}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        assert!(page == current || std::env::var_os("UPDATE_DOCS").is_some(), "docs/CONFIGURATION.md is not current");
    }
}

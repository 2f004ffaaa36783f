//! The descriptor: JSON in a module's custom section, or in a sidecar beside it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::module::Nan;
use super::module::check_mount;
use crate::id::AnalysisName;
use crate::limits::ARGV_BYTES_MAX;
use crate::limits::ARGV_WORDS_MAX;
use crate::limits::AskedLimits;
use crate::limits::ENV_BYTES_MAX;

/// What an author says of an analysis. Each member is told in `guest-analyses/README.md`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    pub name: AnalysisName,
    #[serde(default = "first_version")]
    pub version: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub license: String,
    #[serde(default)]
    pub authors: Vec<String>,
    #[serde(default)]
    pub homepage: String,
    /// Media types, `text/*` and `*/*` among them.
    #[serde(default = "accepts_all")]
    pub accepts: Vec<String>,
    /// JSON Schema 2020-12 of the args.
    #[serde(default = "any_object")]
    pub args: Value,
    /// JSON Schema 2020-12 of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    #[serde(default = "plain_argv")]
    pub argv: Vec<String>,
    #[serde(default)]
    pub stdin: Stdin,
    #[serde(default)]
    pub stdout: Stdout,
    #[serde(default)]
    pub limits: AskedLimits,
    /// Where the files that ship with the module are found: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// What the guest finds in its environment besides `TZ=UTC`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where the guest's clocks start, seconds since 1970.
    #[serde(default)]
    pub epoch_s: u64,
    /// What becomes of NaNs; the operator may ask for more.
    #[serde(default)]
    pub nan: Nan,
    #[serde(default)]
    pub examples: Vec<Value>,
    /// Whether it also answers as `<name>_<N>`, which it finds in its `argv[0]`.
    #[serde(default)]
    pub numbered: bool,
}

/// What stdin gives the guest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdin {
    #[default]
    Args,
    Sample,
    Empty,
}

/// What is made of stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdout {
    #[default]
    Json,
    Text,
    Lines,
    None,
}

impl Descriptor {
    /// Whether a file of that media type may be given to it.
    #[must_use]
    pub fn accepts(&self, media_type: &str) -> bool {
        self.accepts.iter().any(|accepted| match accepted.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => media_type.split('/').next() == Some(kind),
            None => accepted == media_type,
        })
    }

    /// What a descriptor must hold besides its form.
    ///
    /// # Errors
    /// Every breach, in words for its author.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        if let Some(mount) = &self.files {
            wrong.extend(check_mount(mount).err().map(|it| format!("files: {it}")));
        }
        if self.argv.len() > ARGV_WORDS_MAX {
            wrong.push(format!("argv: more than {ARGV_WORDS_MAX} words"));
        }
        let bytes: usize = self.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if bytes > ENV_BYTES_MAX {
            wrong.push(format!("env: more than {ENV_BYTES_MAX} bytes"));
        }
        let named = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        let plain = self.env.iter().all(|(name, value)| named(name) && !value.contains('\0'));
        if !plain {
            wrong.push("env: a name is not empty and has no `=`; neither name nor value has a NUL".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The environment, as `name=value`.
    #[must_use]
    pub fn environment(&self) -> Vec<String> {
        let own = self.env.iter().filter(|(name, _)| *name != "TZ").map(|(name, value)| format!("{name}={value}"));
        std::iter::once("TZ=UTC".to_owned()).chain(own).collect()
    }

    /// The command line: `{name}`, `{input}`, `{out}` and `{args.X}` filled in, once: what is put in is not looked
    /// through again. A placeholder that names nothing stays as it is.
    ///
    /// # Errors
    /// When it has more than [`ARGV_BYTES_MAX`] bytes.
    pub fn command_line(&self, called: &AnalysisName, file_name: &str, args: &Value) -> Result<Vec<String>, String> {
        let mut room = ARGV_BYTES_MAX;
        let fill = |template: &String| {
            let mut word = String::new();
            let mut rest = template.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                let placeholder = after
                    .split_once('}')
                    .and_then(|(name, after)| Some((placeholder(name, called, file_name, args)?, after)));
                word.push_str(before);
                match placeholder {
                    Some((value, after)) => {
                        word.push_str(&value);
                        rest = after;
                    }
                    None => {
                        word.push('{');
                        rest = after;
                    }
                }
                if word.len() > room {
                    break;
                }
            }
            word.push_str(rest);
            room = room.checked_sub(word.len())?;
            Some(word)
        };
        let words: Option<Vec<_>> = self.argv.iter().map(fill).collect();
        words.ok_or_else(|| format!("with these args the command line has more than {ARGV_BYTES_MAX} bytes"))
    }
}

fn placeholder(name: &str, called: &AnalysisName, file_name: &str, args: &Value) -> Option<String> {
    match name {
        "name" => Some(called.to_string()),
        "input" => Some(format!("/input/{file_name}")),
        "out" => Some("/out".to_owned()),
        other => {
            let value = args.get(other.strip_prefix("args.")?)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }
    }
}

fn first_version() -> String {
    "0.0.0".to_owned()
}

fn accepts_all() -> Vec<String> {
    vec!["*/*".to_owned()]
}

fn any_object() -> Value {
    serde_json::json!({ "type": "object" })
}

fn plain_argv() -> Vec<String> {
    vec!["{name}".to_owned(), "{input}".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(members: &str) -> Descriptor {
        serde_json::from_str(&format!(r#"{{"name": "a"{members}}}"#)).unwrap()
    }

    #[test]
    fn media_types_are_matched_whole_or_by_kind() {
        let csv = descriptor(r#", "accepts": ["text/*", "application/csv"]"#);
        assert!(csv.accepts("text/plain") && csv.accepts("application/csv"));
        assert!(!csv.accepts("application/json") && !csv.accepts("textual/plain"));
        assert!(descriptor("").accepts("video/mp4"));
    }

    #[test]
    fn a_command_line_is_filled_in() {
        let argv = r#", "argv": ["{name}", "-n={args.n}", "{args.s}", "{input}", "{out}/{args.none}{", "{x}"]"#;
        let args = serde_json::json!({"n": 3, "s": "{input}{args.n}"});
        let found = descriptor(argv).command_line(&"a_5".parse().unwrap(), "x.bin", &args).unwrap();
        assert_eq!(found, ["a_5", "-n=3", "{input}{args.n}", "/input/x.bin", "/out/{args.none}{", "{x}"]);
    }

    #[test]
    fn a_command_line_has_a_size() {
        let argv = descriptor(r#", "argv": ["{args.s}{args.s}"]"#);
        let of = |bytes: usize| {
            let args = serde_json::json!({ "s": "x".repeat(bytes) });
            argv.command_line(&"a".parse().unwrap(), "x", &args)
        };
        assert_eq!(of(ARGV_BYTES_MAX / 2).unwrap()[0].len(), ARGV_BYTES_MAX);
        assert!(of(ARGV_BYTES_MAX / 2 + 1).is_err());
    }

    #[test]
    fn a_command_line_has_so_many_words() {
        let of = |words: usize| descriptor(&format!(r#", "argv": {}"#, serde_json::json!(vec![""; words]))).check();
        assert_eq!(of(ARGV_WORDS_MAX), Ok(()));
        assert_eq!(of(ARGV_WORDS_MAX + 1), Err(vec![format!("argv: more than {ARGV_WORDS_MAX} words")]));
    }

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(serde_json::from_str::<Descriptor>(r#"{"name": "a", "nmae": "b"}"#).is_err());
    }
}

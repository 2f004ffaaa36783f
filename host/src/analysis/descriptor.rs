//! The descriptor: JSON in a module's custom section, or in a sidecar beside it.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::id::AnalysisName;
use crate::limits::AskedLimits;

/// What an author says of an analysis. See `docs/analysis-contract` for each member.
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

    /// The command line: `{name}`, `{input}`, `{out}` and `{args.X}` filled in.
    #[must_use]
    pub fn command_line(&self, called: &AnalysisName, file_name: &str, args: &Value) -> Vec<String> {
        let fill = |template: &String| {
            let mut text = template.replace("{name}", called.as_str()).replace("{out}", "/out");
            for (name, value) in args.as_object().into_iter().flatten() {
                let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("{{args.{name}}}"), &plain);
            }
            text.replace("{input}", &format!("/input/{file_name}"))
        };
        self.argv.iter().map(fill).collect()
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
        let found = descriptor(r#", "argv": ["{name}", "-n", "{args.n}", "{input}"]"#).command_line(
            &"a_5".parse().unwrap(),
            "x.bin",
            &serde_json::json!({"n": 3}),
        );
        assert_eq!(found, ["a_5", "-n", "3", "/input/x.bin"]);
    }

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(serde_json::from_str::<Descriptor>(r#"{"name": "a", "nmae": "b"}"#).is_err());
    }
}

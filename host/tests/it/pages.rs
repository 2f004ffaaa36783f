//! The pages of `docs/` whose commands are run: what they show is what comes.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::ALL;
use crate::server::Server;

/// Stands for anything.
const ANYTHING: &str = "…";
/// Between what one block of commands prints and the next.
const CUT: &str = "\u{1}cut\u{1}\n";

/// Commands, and what is shown of what they print: its kind (`json`, `text`) and the lines.
struct Block {
    commands: String,
    shown: Option<(String, String)>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::<Block>::new();
    let mut parts = page.split("```");
    parts.next();
    while let (Some(fenced), Some(_)) = (parts.next(), parts.next()) {
        let (kind, text) = fenced.split_once('\n').unwrap();
        match kind {
            "sh" => blocks.push(Block { commands: text.to_owned(), shown: None }),
            "json" | "text" => {
                let before = blocks.last_mut().filter(|it| it.shown.is_none());
                before.expect("commands before what they print").shown = Some((kind.to_owned(), text.to_owned()));
            }
            other => panic!("a block of kind {other:?}"),
        }
    }
    blocks
}

/// Whether a text is the one shown, with anything in place of each `…`.
fn fits(shown: &str, text: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

/// The same of JSON, in which an object may have more members.
fn fits_json(shown: &Value, value: &Value) -> bool {
    match (shown, value) {
        (Value::String(shown), Value::String(text)) => fits(shown, text),
        (Value::String(shown), _) => shown == ANYTHING,
        (Value::Object(shown), Value::Object(members)) => {
            let has = |(name, shown): (&String, &Value)| members.get(name).is_some_and(|it| fits_json(shown, it));
            shown.iter().all(|it| it.0 == ANYTHING || has(it))
        }
        (Value::Array(shown), Value::Array(values)) => {
            shown.len() == values.len() && shown.iter().zip(values).all(|(shown, value)| fits_json(shown, value))
        }
        _ => shown == value,
    }
}

fn check(block: &Block, printed: &str) {
    let Some((kind, shown)) = &block.shown else { return };
    let told = || format!("{}\nprinted\n{printed}\nand not\n{shown}", block.commands);
    if kind == "text" {
        let printed = printed.replace('\r', "");
        assert!(fits(shown.trim_end(), printed.trim_end()), "{}", told());
        return;
    }
    let documents = |text: &str| -> Vec<Value> {
        serde_json::Deserializer::from_str(text)
            .into_iter()
            .map(|it| it.unwrap_or_else(|error| panic!("{error}: {}", told())))
            .collect()
    };
    // What is no JSON is shown as a string of it.
    let plain =
        |text: &str| if text.starts_with("ok\n") { text.replacen("ok\n", "\"ok\"\n", 1) } else { text.to_owned() };
    let (shown, printed) = (documents(shown), documents(&plain(printed)));
    assert_eq!(shown.len(), printed.len(), "{}", told());
    assert!(shown.iter().zip(&printed).all(|(shown, value)| fits_json(shown, value)), "{}", told());
}

/// Runs all commands of a page in one shell, against that server.
fn follow(name: &str, server: &Server) {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap();
    let blocks = blocks(&page);
    let here = format!("http://{}", server.address());
    let script: String = blocks.iter().map(|it| format!("{}\nprintf '{CUT}'\n", it.commands.trim_end())).collect();
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new("bash")
        .args(["-eu", "-c", &script.replace("http://127.0.0.1:8080", &here)])
        .current_dir(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    let printed: Vec<_> = said.split(CUT).collect();
    assert_eq!(printed.len(), blocks.len() + 1);
    for (block, printed) in blocks.iter().zip(printed) {
        check(block, printed);
    }
}

#[test]
fn the_page_of_the_api_is_true() {
    follow("API.md", &Server::start_with(&[], &["--accept-modules", ALL[0], ALL[1]]));
}

#[test]
fn what_is_not_shown_does_not_fit() {
    assert!(fits("a…c", "abbc") && fits("…", "") && fits("a…", "ab") && fits("a", "a"));
    assert!(!fits("a…c", "abb") && !fits("a", "ab") && !fits("…c", "cb"));
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(fits_json(&json(r#"{"a": "…", "b": [1]}"#), &json(r#"{"a": 5, "b": [1], "c": 6}"#)));
    assert!(!fits_json(&json(r#"{"a": "…", "b": [1]}"#), &json(r#"{"a": 5, "b": [1, 2]}"#)));
    assert!(!fits_json(&json(r#"{"a": "x…"}"#), &json(r#"{"a": "yx"}"#)));
}

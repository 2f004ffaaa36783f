//! What is made of the command line: manual pages and completions.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

/// What it prints when all is well.
fn belljar(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_belljar")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every command that the help tells of, as the words after `belljar`; the first is `belljar` itself.
fn commands() -> Vec<Vec<String>> {
    let (mut found, mut next) = (Vec::new(), vec![Vec::<String>::new()]);
    while let Some(words) = next.pop() {
        let asked: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = belljar(&asked);
        let listed = help.lines().skip_while(|it| *it != "Commands:").skip(1).take_while(|it| !it.is_empty());
        let names = listed.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "help");
        next.extend(names.map(|name| [&words[..], &[name.to_owned()]].concat()));
        found.push(words);
    }
    found
}

#[test]
fn every_command_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("man");
    belljar(&["man", "--out", out.to_str().unwrap()]);
    let pages = std::fs::read_dir(&out).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<_> = pages.collect();
    let commands = commands();
    let page = |words: &Vec<String>| format!("{}.1", [&["belljar".to_owned()], &words[..]].concat().join("-"));
    assert_eq!(pages, commands.iter().map(page).collect(), "the pages, and what the help tells of");
    for told_of in ["belljar.1", "belljar-serve.1", "belljar-token-create.1", "belljar-man.1"] {
        assert!(pages.contains(told_of), "{told_of}");
    }
    let serve = std::fs::read_to_string(out.join("belljar-serve.1")).unwrap();
    assert!(serve.contains(".SH OPTIONS") && serve.contains(r"\-\-durability"), "{serve}");
    assert_eq!(belljar(&["man"]), std::fs::read_to_string(out.join("belljar.1")).unwrap());
}

#[test]
fn shells_take_the_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = belljar(&["completions", shell]);
        for words in commands() {
            let last = words.last().map_or("belljar", String::as_str);
            assert!(script.contains(last), "{shell}: nothing of {last}");
        }
        // Not every machine has all of them.
        let Ok(mut child) = Command::new(shell).arg("-n").stdin(Stdio::piped()).spawn() else { continue };
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{shell} -n");
    }
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let complete = |words: &str| {
        let ask = format!(
            "eval \"$(cat)\"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _belljar belljar \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        let bash = bash.args(["--norc", "-c", &ask]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = bash.spawn().unwrap();
        child.stdin.take().unwrap().write_all(belljar(&["completions", "bash"]).as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete("belljar fs"), "fsck\n");
    assert_eq!(complete("belljar fsck --rep"), "--repair\n");
}
